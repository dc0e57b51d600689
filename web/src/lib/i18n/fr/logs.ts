import type { logs as english } from '../en/logs';

export const logs: Record<keyof typeof english, string> = {
  'nav.logs': 'Journaux',
  'logs.title': 'Journaux des processus',
  'logs.processes': 'Processus',
  'logs.lines': 'Lignes, la plus récente à la fin',
  'logs.all': 'tous les processus',
  'logs.pool': 'groupe',
  'logs.rocket': 'fusée',
  'logs.find': 'Chercher dans les lignes',
  'logs.none': 'Rien n’a encore été écrit. Ce qui le sera apparaîtra ici.',
  'logs.nothing': 'Aucune ligne avec ce texte. Celles qui viendront apparaîtront ici.',
  'logs.noProcesses': 'Aucun ouvrier d’un groupe ni module simulé n’a rien écrit depuis le démarrage du hub.',
  'logs.kept': 'Le hub garde en mémoire les 1 000 dernières lignes de chaque processus ; elles partent avec lui.',
  'logs.counts': 'lignes : {n}, plus anciennes oubliées : {gone}',
  'logs.shown': 'lignes : {n}, au plus {max} sont affichées',
  'logs.dropped': '{n} plus anciennes ont quitté cette page',
  'logs.toEnd': 'À la fin',
  'logs.of': 'Leurs journaux'
};
