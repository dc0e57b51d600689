// The pages of the console, in the order of the navigation.
import type { Key } from '../i18n/index.svelte';

export interface Page {
  /** The first part of its path. */
  area: string;
  path: string;
  key: Key;
  /** The permission without which it is empty; whoever lacks it is told. */
  needs?: string;
  /** Strokes on a field of 24 by 24. */
  icon: string;
}

export const pages: readonly Page[] = [
  { area: '', path: '/', key: 'nav.overview', icon: 'M4 4h7v9H4zM13 4h7v5h-7zM13 11h7v9h-7zM4 15h7v5H4z' },
  { area: 'launch', path: '/launch', needs: 'launch:read', key: 'nav.launch', icon: 'M12 3c3 2.5 4 6 4 9l2 3v3l-4-2h-4l-4 2v-3l2-3c0-3 1-6.500 4-9zM12 9.500v.01M10.500 18.500 12 21l1.500-2.500' },
  { area: 'wall', path: '/wall', needs: 'launch:read', key: 'nav.wall', icon: 'M4 4h7v4H4zM13 4h7v4h-7zM4 10h7v4H4zM13 10h7v4h-7zM4 16h7v4H4zM13 16h7v4h-7z' },
  { area: 'webcast', path: '/webcast', key: 'nav.webcast', icon: 'M12 12v.01M8.500 15.500a5 5 0 0 1 0-7M15.500 8.500a5 5 0 0 1 0 7M5.600 18.400a9 9 0 0 1 0-12.800M18.400 5.600a9 9 0 0 1 0 12.800' },
  { area: 'payments', path: '/payments', needs: 'payments:read', key: 'nav.payments', icon: 'M3 7h18v12H3zM3 11h18M7 15h4' },
  { area: 'queues', path: '/queues', needs: 'jobs:state', key: 'nav.queues', icon: 'M4 5h16v4H4zM4 11h16v4H4zM4 17h10v3H4z' },
  { area: 'workers', path: '/workers', needs: 'fleet:read', key: 'nav.workers', icon: 'M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM12 3v3M12 18v3M3 12h3M18 12h3M5.600 5.600l2.100 2.100M16.300 16.300l2.100 2.100M5.600 18.400l2.100-2.100M16.300 7.700l2.100-2.100' },
  { area: 'events', path: '/events', needs: 'events:read', key: 'nav.events', icon: 'M3 12h4l2.500-7 5 14 2.500-7h4' },
  { area: 'telemetry', path: '/telemetry', needs: 'telemetry:read', key: 'nav.telemetry', icon: 'M4 4v16h16M7.500 15l4-5 3 3 5-7' },
  { area: 'alerts', path: '/alerts', needs: 'alerts:read', key: 'nav.alerts', icon: 'M6 17V11a6 6 0 0 1 12 0v6l1.500 1.500h-15zM10 21h4' },
  { area: 'logs', path: '/logs', needs: 'logs:read', key: 'nav.logs', icon: 'M5 3h14v18H5zM8.500 8h7M8.500 12h7M8.500 16h4' },
  { area: 'access', path: '/access', key: 'nav.access', icon: 'M8 11a4 4 0 1 1 0-8 4 4 0 0 1 0 8zM2 21v-2a6 6 0 0 1 9-5.200M15 14.500a2.500 2.500 0 1 1 3.300 2.400L18 21h-2.500v-2l-1-1z' },
  { area: 'settings', path: '/settings', key: 'nav.settings', icon: 'M4 7h10M18 7h2M4 12h2M10 12h10M4 17h10M18 17h2M14 5v4M6 10v4M14 15v4' }
];
