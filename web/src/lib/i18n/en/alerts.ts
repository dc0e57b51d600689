export const alerts = {
  'alerts.silenced': 'Silenced for two hours.',
  'alerts.routing': 'Routes and deliveries',
  'alerts.deliveries': 'Notifications',
  'alerts.underWay': 'under way: {n}',
  'alerts.givenUp': 'given up: {n}',
  'alerts.whoIsTold': 'Who is told of an alert with these labels',
  'alerts.noWay': 'in no way',
  'alerts.toldNobody': 'Nobody is told of it.',
  'alerts.noRoutes': 'No routes are configured: alerts are shown and nobody is told.',
  'alerts.silencedBy': 'Silenced by {ids}',
  'alerts.inhibitedBy': 'Inhibited by',
  'alerts.nextLook': 'looked at next at {at}',
  'alerts.onItsWay': 'on its way, failed attempts: {n}',
  'alerts.lastTold': 'told at {at}',
  'alerts.notYetTold': 'not told yet'
} as const;
