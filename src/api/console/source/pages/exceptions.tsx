// Days with other hours: each a line that says what it is.

import { type Document, isTable, type Json } from "../lib/document";
import { names } from "../lib/route";
import { useField } from "../form/editor";
import { Button } from "../ui/parts";

type Sort = "closed" | "hours" | "part" | "span";

const SORTS: readonly (readonly [Sort, string])[] = [
  ["closed", "Closed all day"],
  ["hours", "Other hours"],
  ["part", "Closed for part of the day"],
  ["span", "Closed from ... to ..."],
];

export function tableOf(value: Json): Document {
  return isTable(value) ? value : typeof value === "string" ? { date: value } : {};
}

export function sortOf(it: Document): Sort {
  if (it.from !== undefined || it.to !== undefined) return "span";
  if (it.closed !== undefined) return "part";
  return it.hours !== undefined ? "hours" : "closed";
}

const yearly = (date: string) => /^\d{2}-\d{2}/.test(date);

export function Exceptions() {
  const { value, set, wrong, readOnly } = useField(["exceptions"]);
  const list = (Array.isArray(value) ? value : []).map(tableOf);
  const write = (next: Document[]) => set(next.length > 0 ? next.map(brief) : undefined);
  const change = (at: number, next: Document) =>
    write(list.map((it, index) => (index === at ? next : it)));
  return (
    <div class="stack tight">
      {wrong && (
        <div class="wrong" role="alert">
          {wrong.detail}
        </div>
      )}
      {list.length === 0 && <p class="muted small">The usual hours hold on every day.</p>}
      {list.map((it, at) => {
        const sort = sortOf(it);
        const label = `Exception ${at + 1}`;
        return (
          <div class="row" key={at} role="group" aria-label={label}>
            <select
              class="select"
              style={{ width: "210px" }}
              aria-label={`${label}: what it is`}
              disabled={readOnly}
              value={sort}
              onChange={(e) => change(at, begin(e.currentTarget.value as Sort, it))}
            >
              {SORTS.map(([key, text]) => (
                <option key={key} value={key}>
                  {text}
                </option>
              ))}
            </select>
            {sort === "span" ? (
              <>
                <MomentText
                  label={`${label}: from`}
                  value={it.from}
                  onChange={(from) => change(at, { ...it, from })}
                  disabled={readOnly}
                />
                <span class="muted">to</span>
                <MomentText
                  label={`${label}: to`}
                  value={it.to}
                  onChange={(to) => change(at, { ...it, to })}
                  disabled={readOnly}
                />
              </>
            ) : (
              <DateText
                label={`${label}: date`}
                value={it.date}
                onChange={(date) => change(at, { ...it, date })}
                disabled={readOnly}
              />
            )}
            {sort === "hours" && (
              <input
                class="input"
                style={{ width: "210px" }}
                aria-label={`${label}: hours`}
                placeholder="10:00-14:00, 15:00-18:00"
                disabled={readOnly}
                value={names(it.hours).join(", ")}
                onChange={(e) =>
                  change(at, {
                    ...it,
                    hours: e.currentTarget.value
                      .split(",")
                      .map((one) => one.trim())
                      .filter(Boolean),
                  })
                }
              />
            )}
            {sort === "part" && (
              <input
                class="input"
                style={{ width: "130px" }}
                aria-label={`${label}: closed`}
                placeholder="12:00-13:00"
                disabled={readOnly}
                value={String(it.closed ?? "")}
                onInput={(e) => change(at, { ...it, closed: e.currentTarget.value })}
              />
            )}
            {!readOnly && (
              <Button
                icon="trash"
                small
                kind="plain"
                label={`Remove ${label}`}
                onClick={() => write(list.filter((_, index) => index !== at))}
              />
            )}
          </div>
        );
      })}
      {!readOnly && (
        <div>
          <Button icon="plus" small onClick={() => write([...list, { date: "12-25" }])}>
            Add a day
          </Button>
        </div>
      )}
    </div>
  );
}

/** As short as it can be written. */
function brief(it: Document): Json {
  return Object.keys(it).length === 1 && typeof it.date === "string" ? it.date : it;
}

function begin(sort: Sort, old: Document): Document {
  const date = old.date ?? "12-25";
  switch (sort) {
    case "closed":
      return { date };
    case "hours":
      return { date, hours: ["10:00-14:00"] };
    case "part":
      return { date, closed: "12:00-13:00" };
    case "span":
      return { from: "12-24 12:00", to: "01-02 08:00" };
  }
}

interface TextProps {
  label: string;
  value: Json | undefined;
  disabled: boolean;
  onChange: (text: string) => void;
}

/** A date, of one year or of every one. */
function DateText({ label, value, disabled, onChange }: TextProps) {
  const text = typeof value === "string" ? value : "";
  const every = yearly(text);
  const year = new Date().getFullYear();
  const full = every ? `${year}-${text}` : text;
  return (
    <>
      <input
        class="input"
        type="date"
        style={{ width: "150px" }}
        aria-label={label}
        value={full}
        disabled={disabled}
        onInput={(e) => onChange(every ? e.currentTarget.value.slice(5) : e.currentTarget.value)}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={every}
          disabled={disabled}
          onChange={(e) => onChange(e.currentTarget.checked ? full.slice(5) : full)}
        />
        <span>every year</span>
      </label>
    </>
  );
}

function MomentText({ label, value, disabled, onChange }: TextProps) {
  return (
    <input
      class="input"
      style={{ width: "150px" }}
      aria-label={label}
      placeholder="12-24 12:00"
      disabled={disabled}
      value={typeof value === "string" ? value : ""}
      title="MM-DD HH:MM of every year, or YYYY-MM-DD HH:MM"
      onInput={(e) => onChange(e.currentTarget.value)}
    />
  );
}
