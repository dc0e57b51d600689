// How bad something is, in the four tones that the console has.

export type Tone = 'good' | 'warn' | 'bad' | 'info' | 'idle';

export function severityTone(severity: string | undefined): Tone {
  if (severity === 'critical' || severity === 'page') return 'bad';
  if (severity === 'warning') return 'warn';
  return 'info';
}

export function stageTone(stage: string): Tone {
  switch (stage) {
    case 'counting':
    case 'flying':
      return 'info';
    case 'ready':
      return 'good';
    case 'held':
    case 'polling':
      return 'warn';
    case 'scrubbed':
      return 'bad';
    default:
      return 'idle';
  }
}

export function outcomeTone(outcome: string | null | undefined): Tone {
  if (outcome === 'success') return 'good';
  if (outcome === 'failure') return 'bad';
  return outcome === 'partial' ? 'warn' : 'idle';
}
