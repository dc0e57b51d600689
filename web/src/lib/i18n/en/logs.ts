export const logs = {
  'nav.logs': 'Logs',
  'logs.title': 'Logs of processes',
  'logs.processes': 'Processes',
  'logs.lines': 'Lines, the newest at the end',
  'logs.all': 'all processes',
  'logs.pool': 'pool',
  'logs.rocket': 'rocket',
  'logs.find': 'Search the lines',
  'logs.none': 'Nothing was printed yet. What is from now on appears here.',
  'logs.nothing': 'No line with this text. Those that come from now on appear here.',
  'logs.noProcesses': 'No worker of a pool and no simulated module has printed anything since the hub was started.',
  'logs.kept': 'The hub keeps the last 1,000 lines of each process in memory; they are gone when it stops.',
  'logs.counts': 'lines: {n}, older ones let go: {gone}',
  'logs.shown': 'lines: {n}, at most {max} are shown',
  'logs.dropped': '{n} older ones left this page',
  'logs.toEnd': 'To the end',
  'logs.of': 'Their logs'
} as const;
