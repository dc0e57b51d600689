import type { settings as english } from '../en/settings';

export const settings: Record<keyof typeof english, string> = {
  'nav.settings': 'Réglages',
  'settings.title': 'Réglages',
  'settings.effective': 'Configuration en vigueur',
  'settings.key': 'Clé',
  'settings.value': 'Valeur',
  'settings.origin': 'Origine',
  'settings.origin.default': 'par défaut',
  'settings.origin.file': 'fichier',
  'settings.origin.command_line': 'ligne de commande ou environnement',
  'settings.find': 'Chercher',
  'settings.changed': 'Seulement ce qui a été dit',
  'settings.nothing': 'Aucune clé de ce genre.',
  'settings.nobody': '–',
  'settings.noFile': 'Aucun fichier n’a été lu.',
  'settings.since': 'Elle est lue au démarrage du hub : redémarrez-le après un changement. Règles, destinataires et cibles sont relus en marche (SIGHUP).',
  'settings.hub': 'Ce hub',
  'settings.process': 'Processus',
  'settings.grpc': 'Les modules se joignent à',
  'settings.started': 'En marche depuis',
  'settings.notifier': 'Destinataires et routes, secrets masqués',
  'settings.scraper': 'Cibles et écriture distante, secrets masqués',
  'settings.noScraper': 'Aucun prometheus.yml n’a été lu : rien n’est relevé.'
};
