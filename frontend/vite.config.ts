/// <reference types="vitest/config" />
import { basename, dirname } from "node:path";
import { defineConfig } from "vite";

const API = process.env.ASURA_API ?? "http://127.0.0.1:8090";

export default defineConfig({
  // Relative, because the daemon serves this from under any base_path and sets <base href> in index.html.
  base: "./",
  build: {
    outDir: "../asura/web/static",
    emptyOutDir: true,
    target: ["chrome123", "firefox121", "safari17.5"],
    // The content security policy has no data: for images.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // A page's chunk is named after its feature, which scripts/size.js relies on.
        chunkFileNames: ({ name, facadeModuleId }) =>
          facadeModuleId?.includes("/features/")
            ? `assets/${basename(dirname(facadeModuleId))}-${basename(facadeModuleId, ".tsx")}-[hash].js`
            : `assets/${name}-[hash].js`,
      },
    },
  },
  server: { port: 5173, proxy: { "/api": API, "/metrics": API } },
  test: { environment: "happy-dom", include: ["tests/**/*.test.{ts,tsx}"] },
});
