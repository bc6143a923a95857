// How documents write what is said to somebody: a text that is spoken, or audio.

import { isTable, type Json } from "../lib/document";

export type Said =
  | { how: "unset" }
  | { how: "none" }
  | { how: "text"; text: string; voice?: string }
  | { how: "file"; file: string; uploaded: boolean };

export function readPrompt(value: Json | undefined): Said {
  if (value === "none") return { how: "none" };
  if (!isTable(value)) return { how: "unset" };
  if (typeof value.prompt === "string") return { how: "file", file: value.prompt, uploaded: true };
  if (typeof value.file === "string") return { how: "file", file: value.file, uploaded: false };
  return {
    how: "text",
    text: typeof value.text === "string" ? value.text : "",
    voice: typeof value.voice === "string" ? value.voice : undefined,
  };
}

export function writePrompt(said: Said): Json | undefined {
  switch (said.how) {
    case "unset":
      return undefined;
    case "none":
      return "none";
    case "file":
      return said.uploaded ? { prompt: said.file } : { file: said.file };
    case "text":
      return said.voice ? { text: said.text, voice: said.voice } : { text: said.text };
  }
}
