// Who else says who people are. It is asked before anybody is signed in, and is no part of the API's document.

/** A provider of identities: its name in addresses, and what its button says. */
export interface Provider {
  name: string;
  label: string;
}

/** Those of this hub; none when it does not say. */
export async function providers(signal: AbortSignal): Promise<Provider[]> {
  try {
    const response = await fetch('/console/oidc', { headers: { accept: 'application/json' }, signal });
    return response.ok ? ((await response.json()) as Provider[]) : [];
  } catch {
    return [];
  }
}

/** Where a sign-in begins. It is the hub's page and not the console's. */
export function begin(provider: Provider): string {
  return `/console/oidc/${encodeURIComponent(provider.name)}/start`;
}
