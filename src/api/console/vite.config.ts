import { defineConfig } from "vite";

// The binary serves the build under /console/; `npm run dev` borrows the API of a running one.
const api = process.env.CROSSPOINT_API ?? "http://127.0.0.1:8060";

export default defineConfig({
  base: "/console/",
  build: {
    outDir: "dist",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    reportCompressedSize: false,
  },
  server: { proxy: { "/v1": api, "/health": api, "/openapi.json": api } },
});
