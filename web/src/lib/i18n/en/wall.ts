export const wall = {
  'nav.wall': 'Plot wall',
  'wall.title': 'Plot wall',
  'wall.lead': '{n} plots, the last minute of each, ten times a second',
  'wall.slow': 'This browser is slow: drawn every {ms} ms, as it takes {took} ms',
  'wall.pressure': 'Pressure',
  'wall.left': 'modules not shown: {n}',
  'wall.none': 'Plots appear when modules send telemetry.'
} as const;
