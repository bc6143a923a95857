// Small parts that pages are made of.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Refused } from "../lib/api";
import { hrefOf } from "../lib/router";
import { ago, toMs, when } from "../lib/time";
import { Icon } from "./icon";

export type Tone = "good" | "warn" | "bad" | "accent" | "";

interface PageProps {
  title: string;
  about?: ComponentChildren;
  back?: { to: string; label: string };
  actions?: ComponentChildren;
  wide?: boolean;
  children?: ComponentChildren;
}

/** A page with its heading, which is read out when the page is entered. */
export function Page({ title, about, back, actions, wide, children }: PageProps) {
  useEffect(() => void (document.title = `${title} - crosspoint`), [title]);
  return (
    <main class={`page${wide ? " wide" : ""}`} id="main" tabIndex={-1}>
      <div class="page-head">
        <div class="titles">
          {back && (
            <nav class="crumbs" aria-label="Breadcrumb">
              <a href={hrefOf(back.to)}>{back.label}</a>
              <Icon name="right" size={11} />
            </nav>
          )}
          <h1>{title}</h1>
          {about && <p>{about}</p>}
        </div>
        {actions && <div class="row">{actions}</div>}
      </div>
      {children}
    </main>
  );
}

interface PanelProps {
  title?: string;
  aside?: ComponentChildren;
  flush?: boolean;
  label?: string;
  children?: ComponentChildren;
}

export function Panel({ title, aside, flush, label, children }: PanelProps) {
  return (
    <section class={`panel${flush ? " flush" : ""}`} aria-label={label ?? title}>
      {(title || aside) && (
        <header>
          <h2>{title}</h2>
          {aside && <div class="row">{aside}</div>}
        </header>
      )}
      <div class="body">{children}</div>
    </section>
  );
}

interface ButtonProps {
  icon?: string;
  kind?: "primary" | "danger" | "plain" | "danger primary" | "link";
  small?: boolean;
  label?: string;
  submit?: boolean;
  disabled?: boolean;
  title?: string;
  busy?: boolean;
  expanded?: boolean;
  pressed?: boolean;
  onClick?: () => void;
  children?: ComponentChildren;
}

export function Button(props: ButtonProps) {
  const { icon, kind = "", small, label, submit, children, busy } = props;
  const bare = icon && children === undefined;
  return (
    <button
      type={submit ? "submit" : "button"}
      class={`button ${kind}${small ? " small" : ""}${bare ? " icon" : ""}`}
      aria-label={label}
      title={props.title ?? (bare ? label : undefined)}
      disabled={props.disabled || busy}
      aria-expanded={props.expanded}
      aria-pressed={props.pressed}
      aria-busy={busy}
      onClick={props.onClick}
    >
      {busy ? <span class="spinner" /> : icon && <Icon name={icon} size={small ? 14 : 15} />}
      {children}
    </button>
  );
}

export function LinkButton({
  to,
  icon,
  kind = "",
  children,
}: {
  to: string;
  icon?: string;
  kind?: string;
  children: ComponentChildren;
}) {
  return (
    <a class={`button ${kind}`} href={hrefOf(to)}>
      {icon && <Icon name={icon} size={15} />}
      {children}
    </a>
  );
}

export function Badge({
  tone = "",
  dot,
  children,
}: {
  tone?: Tone;
  dot?: boolean | "live";
  children: ComponentChildren;
}) {
  return (
    <span class={`badge ${tone}`}>
      {dot && <span class={`dot ${tone}${dot === "live" ? " live" : ""}`} />}
      {children}
    </span>
  );
}

export function Note({
  tone = "",
  icon,
  children,
}: {
  tone?: Tone;
  icon?: string;
  children: ComponentChildren;
}) {
  const drawn =
    icon ?? (tone === "bad" || tone === "warn" ? "warning" : tone === "good" ? "check" : "info");
  return (
    <div class={`note ${tone}`} role={tone === "bad" ? "alert" : "note"}>
      <Icon name={drawn} size={15} />
      <div class="grow">{children}</div>
    </div>
  );
}

export function Empty({
  icon,
  title,
  children,
  action,
}: {
  icon: string;
  title: string;
  children?: ComponentChildren;
  action?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <span class="mark">
        <Icon name={icon} size={20} />
      </span>
      <h2>{title}</h2>
      <p>{children}</p>
      {action}
    </div>
  );
}

/** A refusal, for a whole page or panel. */
export function Trouble({ error, retry }: { error: Refused; retry?: () => void }) {
  if (error.status === 404) {
    return (
      <Empty icon="search" title="There is no such thing">
        It may have been deleted or renamed since.
      </Empty>
    );
  }
  return (
    <Note tone="bad">
      <strong>{error.problem.title}.</strong>{" "}
      {error.problem.detail !== error.problem.title && error.problem.detail}{" "}
      {retry && (
        <Button kind="link" onClick={retry}>
          Try again
        </Button>
      )}
    </Note>
  );
}

export function Loading({ rows = 4 }: { rows?: number }) {
  return (
    <div class="stack" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, at) => (
        <div key={at} class="skeleton" style={{ width: `${88 - at * 13}%` }} />
      ))}
    </div>
  );
}

interface SwitchProps {
  on: boolean;
  label: ComponentChildren;
  help?: ComponentChildren;
  disabled?: boolean;
  id?: string;
  onChange: (on: boolean) => void;
}

export function Switch({ on, label, help, disabled, id, onChange }: SwitchProps) {
  return (
    <label class="switch">
      <input
        id={id}
        type="checkbox"
        role="switch"
        checked={on}
        disabled={disabled}
        onChange={(e) => onChange(e.currentTarget.checked)}
      />
      <span>
        <span class="label">{label}</span>
        {help && <div class="help">{help}</div>}
      </span>
    </label>
  );
}

interface SegmentedProps<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  disabled?: boolean;
  onChange: (value: T) => void;
}

export function Segmented<T extends string>({
  label,
  value,
  options,
  disabled,
  onChange,
}: SegmentedProps<T>) {
  const group = useRef<HTMLDivElement>(null);
  const step = (by: number) => {
    const at = options.findIndex((it) => it[0] === value);
    const next = (at + by + options.length) % options.length;
    onChange(options[next][0]);
    (group.current?.children[next] as HTMLElement | undefined)?.focus();
  };
  return (
    <div
      class="segmented"
      role="radiogroup"
      aria-label={label}
      ref={group}
      onKeyDown={(e) => {
        if (e.key === "ArrowRight" || e.key === "ArrowDown") (e.preventDefault(), step(1));
        if (e.key === "ArrowLeft" || e.key === "ArrowUp") (e.preventDefault(), step(-1));
      }}
    >
      {options.map(([key, text]) => (
        <button
          key={key}
          type="button"
          role="radio"
          aria-checked={key === value}
          disabled={disabled}
          tabIndex={key === value ? 0 : -1}
          onClick={() => onChange(key)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

export function Moment({ at, relative }: { at: number | null | undefined; relative?: boolean }) {
  if (at === null || at === undefined) return <span class="muted">-</span>;
  const ms = toMs(at);
  const date = new Date(ms);
  return (
    <time dateTime={date.toISOString()} title={date.toLocaleString()} class="num nowrap">
      {relative ? ago(ms) : when(ms)}
    </time>
  );
}

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  return (
    <Button
      icon="copy"
      small
      kind="plain"
      label={label}
      onClick={() => void navigator.clipboard?.writeText(text)}
    />
  );
}
