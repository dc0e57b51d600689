import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';

const hub = 'http://127.0.0.1:8080';

/** All scripts together, compressed: what a visitor loads before the first page is whole. */
const SCRIPT_BYTES_MAX = 250_000;

/** Compresses what was built, for the hub to hand out as it is, and refuses a console that grew too big. */
function compress(): Plugin {
  return {
    name: 'compress',
    apply: 'build',
    closeBundle() {
      let scripts = 0;
      for (const file of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
        if (!/\.(js|css|html|svg)$/.test(file)) continue;
        const gzip = gzipSync(readFileSync(`dist/${file}`), { level: 9 });
        writeFileSync(`dist/${file}.gz`, gzip);
        if (file.endsWith('.js')) scripts += gzip.length;
      }
      if (scripts > SCRIPT_BYTES_MAX) {
        throw new Error(`the scripts have ${scripts} bytes compressed, at most ${SCRIPT_BYTES_MAX} may be`);
      }
      console.log(`scripts, compressed: ${scripts} bytes of at most ${SCRIPT_BYTES_MAX}`);
    }
  };
}

/** Puts back the file by which git keeps the folder, after the folder was emptied. */
function keepFolder(): Plugin {
  const keep = readFileSync('dist/.gitignore', 'utf8');
  return { name: 'keep-folder', apply: 'build', closeBundle: () => writeFileSync('dist/.gitignore', keep) };
}

export default defineConfig({
  base: '/console/',
  plugins: [svelte(), compress(), keepFolder()],
  build: { target: 'es2022', modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  // While the pages are worked on (`npx vite`), a hub that runs answers everything else.
  server: { proxy: { '/api': hub, '/prometheus': hub, '/readyz': hub } }
});
