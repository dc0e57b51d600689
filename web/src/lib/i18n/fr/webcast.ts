import type { webcast as english } from '../en/webcast';

export const webcast: Record<keyof typeof english, string> = {
  'nav.webcast': 'Retransmission',
  'webcast.title': 'Retransmission',
  'webcast.lead': 'Ce que voit le public, avec quelques secondes de retard.',
  'webcast.rehearsal': 'RÉPÉTITION',
  'webcast.rehearsalLong': 'simulée, rien de réel ne vole',
  'webcast.none': 'Aucune fusée sur un pas de tir. Cette page continue d’elle-même dès qu’il y en a une.',
  'webcast.notFound': 'Aucune fusée de ce nom n’est montrée.',
  'webcast.all': 'Toutes les missions',
  'webcast.console': 'Salle de contrôle',
  'webcast.embargo': 'La retransmission de cette mission est fermée.',
  'webcast.altitude': 'Altitude',
  'webcast.speed': 'Vitesse',
  'webcast.since': 'depuis l’ouverture de cette page',
  'webcast.waiting': 'Les valeurs paraissent quand le vol commence.',
  'webcast.heights': 'À quelle hauteur',
  'webcast.space': 'limite de l’espace, 100 km',
  'webcast.events': 'Événements',
  'webcast.noEvents': 'Rien ne s’est encore passé.',
  'webcast.before': 'avant',
  'webcast.where': 'Où ils sont'
};
