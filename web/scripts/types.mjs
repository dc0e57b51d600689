// Makes src/lib/api/schema.ts of openapi.json, which a test of the hub keeps equal to what it serves.
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';

const here = new URL('..', import.meta.url);
const document = JSON.parse(await readFile(new URL('openapi.json', here), 'utf8'));
// Names of operations repeat from route to route; without them each route has its own types.
for (const item of Object.values(document.paths)) {
  for (const operation of Object.values(item)) delete operation.operationId;
}
const types = astToString(await openapiTS(document));
await writeFile(new URL('src/lib/api/schema.ts', here), `// Made by scripts/types.mjs.\n${types}`);
