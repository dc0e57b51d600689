import type { alerts as english } from '../en/alerts';

export const alerts: Record<keyof typeof english, string> = {
  'alerts.silenced': 'Silence pour deux heures.',
  'alerts.routing': 'Routes et envois',
  'alerts.deliveries': 'Notifications',
  'alerts.underWay': 'en cours : {n}',
  'alerts.givenUp': 'abandonnées : {n}',
  'alerts.whoIsTold': 'Qui est prévenu d’une alerte avec ces étiquettes',
  'alerts.noWay': 'd’aucune façon',
  'alerts.toldNobody': 'Personne n’en est prévenu.',
  'alerts.noRoutes': 'Pas de route configurée : les alertes sont montrées et personne n’est prévenu.',
  'alerts.silencedBy': 'Mis sous silence par {ids}',
  'alerts.inhibitedBy': 'Inhibée par',
  'alerts.nextLook': 'revue à {at}',
  'alerts.onItsWay': 'en route, essais manqués : {n}',
  'alerts.lastTold': 'prévenu à {at}',
  'alerts.notYetTold': 'pas encore prévenu'
};
