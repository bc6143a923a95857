// What lies above the page: messages that go by themselves, and questions that must be answered.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Refused } from "../lib/api";
import { asRefused, useUnique, useWatched, Watched } from "../lib/use";
import { Icon } from "./icon";
import { Button } from "./parts";

interface Toast {
  id: number;
  tone: "good" | "bad";
  title: string;
  detail?: string;
}

const toasts = new Watched<Toast[]>([]);
let count = 0;

function show(toast: Omit<Toast, "id">) {
  const id = ++count;
  toasts.set([...toasts.get().slice(-3), { ...toast, id }]);
  setTimeout(() => drop(id), toast.tone === "good" ? 4000 : 10_000);
}

function drop(id: number) {
  toasts.set(toasts.get().filter((it) => it.id !== id));
}

export function done(title: string) {
  show({ tone: "good", title });
}

/** Says what was refused and why; where a field is at fault the form says it there as well. */
export function failed(error: unknown, title?: string) {
  const { problem } = error instanceof Refused ? error : asRefused(error);
  const fields = (problem.errors ?? []).map((it) =>
    it.pointer ? `${it.pointer.slice(1)}: ${it.detail}` : it.detail,
  );
  show({
    tone: "bad",
    title: title ?? problem.title,
    detail: fields.length > 0 ? fields.slice(0, 3).join("; ") : problem.detail,
  });
}

export function Toasts() {
  const list = useWatched(toasts);
  return (
    <div class="toasts" role="region" aria-label="Messages" aria-live="polite">
      {list.map((it) => (
        <div key={it.id} class={`toast ${it.tone}`} role={it.tone === "bad" ? "alert" : "status"}>
          <Icon name={it.tone === "good" ? "check" : "warning"} />
          <div class="grow">
            <div class="label">{it.title}</div>
            {it.detail && it.detail !== it.title && <div class="muted small">{it.detail}</div>}
          </div>
          <Button icon="close" small kind="plain" label="Dismiss" onClick={() => drop(it.id)} />
        </div>
      ))}
    </div>
  );
}

interface ModalProps {
  title: string;
  wide?: boolean;
  onClose: () => void;
  footer?: ComponentChildren;
  children?: ComponentChildren;
}

export function Modal({ title, wide, onClose, footer, children }: ModalProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const label = useUnique("dialog");
  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    if (element && !element.open) element.showModal();
    return () => {
      element?.close();
      // Who opened it by keyboard goes on where they were.
      setTimeout(() => {
        if (document.activeElement === document.body && before instanceof HTMLElement)
          before.focus({ preventScroll: true });
      });
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={wide ? "wide" : ""}
      aria-labelledby={label}
      onCancel={(e) => (e.preventDefault(), onClose())}
      onMouseDown={(e) => e.target === dialog.current && onClose()}
    >
      <header>
        <h2 id={label}>{title}</h2>
        <Button icon="close" kind="plain" small label="Close" onClick={onClose} />
      </header>
      <div class="body">{children}</div>
      {footer && <footer>{footer}</footer>}
    </dialog>
  );
}

interface Question {
  title: string;
  body?: ComponentChildren;
  /** The answers, the safe one first. */
  answers: { key: string; label: string; kind?: "primary" | "danger primary" | "plain" }[];
  wide?: boolean;
}

const asked = new Watched<{ question: Question; answer: (key: string) => void } | undefined>(
  undefined,
);

/** The key of the answer; "" if the reader went away from the question. */
export function ask(question: Question): Promise<string> {
  return new Promise((resolve) => {
    asked.set({
      question,
      answer: (key) => {
        asked.set(undefined);
        resolve(key);
      },
    });
  });
}

export async function confirm(
  title: string,
  body: ComponentChildren,
  label: string,
  danger = true,
): Promise<boolean> {
  const answers = [
    { key: "no", label: "Cancel" },
    { key: "yes", label, kind: danger ? ("danger primary" as const) : ("primary" as const) },
  ];
  return (await ask({ title, body, answers })) === "yes";
}

export function Questions() {
  const now = useWatched(asked);
  if (!now) return null;
  const { question, answer } = now;
  return (
    <Modal
      title={question.title}
      wide={question.wide}
      onClose={() => answer("")}
      footer={question.answers.map((it) => (
        <Button key={it.key} kind={it.kind} onClick={() => answer(it.key)}>
          {it.label}
        </Button>
      ))}
    >
      {question.body}
    </Modal>
  );
}

/** One line of text, asked for in a dialog; undefined if the reader went away. */
export function askText(
  title: string,
  label: string,
  options: { help?: string; action: string; value?: string },
): Promise<string | undefined> {
  let text = options.value ?? "";
  const body = (
    <OneLine label={label} help={options.help} value={text} onText={(it) => (text = it)} />
  );
  return ask({
    title,
    body,
    answers: [
      { key: "no", label: "Cancel" },
      { key: "yes", label: options.action, kind: "primary" },
    ],
  }).then((key) => (key === "yes" && text.trim() ? text.trim() : undefined));
}

function OneLine({
  label,
  help,
  value,
  onText,
}: {
  label: string;
  help?: string;
  value: string;
  onText: (text: string) => void;
}) {
  const [text, set] = useState(value);
  const id = useUnique();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        class="input"
        value={text}
        autofocus
        onInput={(e) => (set(e.currentTarget.value), onText(e.currentTarget.value))}
        onKeyDown={(e) => e.key === "Enter" && asked.get()?.answer("yes")}
      />
      {help && <div class="help">{help}</div>}
    </div>
  );
}
