// One document being changed: what it was, what it is now, what the edge said against it.

import { createContext } from "preact";
import { useContext, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { call, type FieldError, Refused, segment, send } from "../lib/api";
import {
  bodyOf,
  changes,
  type Document,
  get,
  type Json,
  type Path,
  pointer,
  put,
  same,
  within,
} from "../lib/document";
import { forgetNames } from "../lib/names";
import { setGuard } from "../lib/router";
import { mayChange } from "../lib/session";
import { asRefused } from "../lib/use";
import { ask, failed } from "../ui/overlay";
import { resolveConflict } from "./conflict";

export interface Editor {
  kind: string;
  plural: string;
  /** Undefined for a document that is not there yet. */
  name?: string;
  revision?: number;
  doc: Document;
  hidden: string[];
  /** URLs of which who looks at them is not shown all. */
  shortened: string[];
  errors: FieldError[];
  dirty: boolean;
  saving: boolean;
  loading: boolean;
  readOnly: boolean;
  refusal?: Refused;
  put: (path: Path, value: Json | undefined) => void;
  replace: (doc: Document) => void;
  /** Another way to write the same: not a change. */
  settle: (path: Path, value: Json) => void;
  discard: () => void;
  /** The name it was stored under, if it was. */
  save: () => Promise<string | undefined>;
  fault: (errors: FieldError[]) => void;
}

interface State {
  base: Document;
  doc: Document;
  revision?: number;
  hidden: string[];
  shortened: string[];
  errors: FieldError[];
  refusal?: Refused;
}

const EMPTY: State = { base: {}, doc: {}, hidden: [], shortened: [], errors: [] };

function loaded(answer: Document): State {
  const body = bodyOf(answer);
  const names = (of: Json | undefined) => (Array.isArray(of) ? of.map(String) : []);
  const [hidden, shortened] = [names(answer._hidden), names(answer._shortened)];
  const revision = Number(answer._revision);
  return { base: body, doc: body, revision, hidden, shortened, errors: [] };
}

export interface Place {
  kind: string;
  plural: string;
  name?: string;
  /** What a new document begins as. */
  begin?: Document;
  /** Says what the name will be where the reader gave none. */
  prepare?: (doc: Document) => Document;
}

export function useEditor(at: Place): Editor {
  const { kind, plural, name } = at;
  const fresh = (): State => ({ ...EMPTY, doc: at.begin ?? {}, base: at.begin ?? {} });
  const [state, set] = useState<State>(fresh);
  const [loading, setLoading] = useState(name !== undefined);
  const [saving, setSaving] = useState(false);
  const now = useRef(state);
  now.current = state;

  useEffect(() => {
    if (name === undefined) return set(fresh());
    let gone = false;
    setLoading(true);
    send<Document>("GET", `/v1/${plural}/${segment(name)}`).then(
      (answer) => gone || (set(loaded(answer)), setLoading(false)),
      (error) => gone || (set({ ...EMPTY, refusal: asRefused(error) }), setLoading(false)),
    );
    return () => void (gone = true);
  }, [plural, name]);

  const dirty = !same(state.base, state.doc);
  useGuard(dirty, () => saveNow().then((it) => it !== undefined));

  async function store(state: State): Promise<Document> {
    const doc = at.prepare ? at.prepare(state.doc) : state.doc;
    const path = name === undefined ? `/v1/${plural}` : `/v1/${plural}/${segment(name)}`;
    const response = await call(name === undefined ? "POST" : "PUT", path, {
      body: doc,
      match: name === undefined ? undefined : state.revision,
    });
    const text = await response.text();
    if (text) return JSON.parse(text) as Document;
    return send<Document>("GET", response.headers.get("Location") ?? path);
  }

  async function saveNow(): Promise<string | undefined> {
    setSaving(true);
    try {
      const answer = await store(now.current);
      forgetNames(plural);
      set(loaded(answer));
      now.current = loaded(answer);
      return String(answer._name ?? name ?? "");
    } catch (error) {
      const refused = asRefused(error);
      if (name !== undefined && refused.status === 409 && refused.kind === "conflict")
        return conflict(refused);
      if (name !== undefined && refused.status === 404) return gone();
      set((old) => ({ ...old, errors: refused.problem.errors ?? [] }));
      failed(refused);
      focusFault();
      return undefined;
    } finally {
      setSaving(false);
    }
  }

  /** Somebody else stored it meanwhile: whose changes are kept is for the reader to say. */
  async function conflict(refused: Refused): Promise<string | undefined> {
    const theirs =
      refused.problem.current ?? (await send<Document>("GET", `/v1/${plural}/${segment(name!)}`));
    const chosen = await resolveConflict(kind, {
      base: now.current.base,
      mine: now.current.doc,
      theirs: bodyOf(theirs),
      who: String(theirs._changed_by ?? "Somebody"),
      at: Number(theirs._changed_at) || undefined,
    });
    if (!chosen) return undefined;
    const next = { ...loaded(theirs), doc: chosen };
    set(next);
    now.current = next;
    return same(chosen, next.base) ? name : saveNow();
  }

  /** Somebody deleted it meanwhile: what was typed is not lost for that. */
  async function gone(): Promise<string | undefined> {
    const answer = await ask({
      title: "Somebody deleted this",
      body: `${name} is not there any more. It can be created again, as it stands here.`,
      answers: [
        { key: "", label: "Go on editing" },
        { key: "again", label: "Create it again", kind: "primary" },
      ],
    });
    if (answer !== "again") return undefined;
    const { doc } = now.current;
    try {
      const made = await send<Document>("POST", `/v1/${plural}`, at.prepare?.(doc) ?? doc);
      forgetNames(plural);
      set(loaded(made));
      now.current = loaded(made);
      return String(made._name ?? name);
    } catch (error) {
      const refused = asRefused(error);
      set((old) => ({ ...old, errors: refused.problem.errors ?? [] }));
      failed(refused);
      focusFault();
      return undefined;
    }
  }

  return useMemo(
    () => ({
      kind,
      plural,
      name,
      dirty,
      saving,
      loading,
      doc: state.doc,
      revision: state.revision,
      hidden: state.hidden,
      shortened: state.shortened,
      errors: state.errors,
      refusal: state.refusal,
      readOnly: !mayChange(kind),
      put: (path, value) =>
        set((old) => ({
          ...old,
          doc: put(old.doc, path, value),
          errors: old.errors.filter((it) => !within(it.pointer ?? "", path)),
        })),
      replace: (doc) => set((old) => ({ ...old, doc })),
      settle: (path, value) =>
        set((old) => {
          const untouched = same(get(old.base, path), get(old.doc, path));
          return {
            ...old,
            doc: put(old.doc, path, value),
            base: untouched ? put(old.base, path, value) : old.base,
          };
        }),
      discard: () => set((old) => ({ ...old, doc: old.base, errors: [] })),
      save: saveNow,
      fault: (errors) => (set((old) => ({ ...old, errors })), focusFault()),
    }),
    [state, dirty, saving, loading, kind, plural, name],
  );
}

function focusFault() {
  setTimeout(() => {
    const first = document.querySelector<HTMLElement>('[aria-invalid="true"]');
    first?.focus();
    first?.scrollIntoView({ block: "center", behavior: "smooth" });
  }, 30);
}

/** Asks before unsaved changes are left behind. */
function useGuard(dirty: boolean, save: () => Promise<boolean>) {
  const newest = useRef(save);
  newest.current = save;
  useEffect(() => {
    if (!dirty) return;
    setGuard(async () => {
      const answer = await ask({
        title: "Leave without saving?",
        body: "There are changes here that are not saved.",
        answers: [
          { key: "stay", label: "Stay" },
          { key: "discard", label: "Discard changes" },
          { key: "save", label: "Save and leave", kind: "primary" },
        ],
      });
      if (answer === "save") return newest.current();
      return answer === "discard";
    });
    return () => setGuard(undefined);
  }, [dirty]);
}

export const EditorContext = createContext<Editor | undefined>(undefined);

export function useEditing(): Editor {
  const editor = useContext(EditorContext);
  if (!editor) throw new Error("this field is not inside of a form");
  return editor;
}

export interface FieldState {
  value: Json | undefined;
  set: (value: Json | undefined) => void;
  wrong: FieldError | undefined;
  id: string;
  readOnly: boolean;
}

/** A place of the document, for the widget that draws it; `deep`: with the faults inside of it. */
export function useField(path: Path, deep = true): FieldState {
  const editor = useEditing();
  const here = pointer(path);
  const wrong = editor.errors.find((it) =>
    deep ? within(it.pointer ?? "", path) : it.pointer === here,
  );
  return {
    value: get(editor.doc, path),
    set: (value) => editor.put(path, value),
    wrong,
    id: `field${here.replaceAll("/", "-").replaceAll(/[^\w-]/g, "_")}`,
    readOnly: editor.readOnly,
  };
}

export function countChanges(editor: Editor, base: Document): number {
  return changes(base, editor.doc).length;
}
