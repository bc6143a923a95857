// Tables of things, and lists of the API as such tables: what they say while they load, when there
// is nothing, and where there is more.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { List, Looking } from "../lib/list";
import { go, hrefOf } from "../lib/router";
import { toMs } from "../lib/time";
import { plural } from "../lib/words";
import { Icon } from "./icon";
import { failed } from "./overlay";
import { Button, Loading, Trouble } from "./parts";

/** What stands over a column, what is in it of an item, how it is set. */
export type Column<T> = readonly [
  title: string,
  cell: (item: T) => ComponentChildren,
  style?: string,
];

interface TableProps<T> {
  items: T[];
  keyOf: (item: T) => string | number;
  columns: readonly (Column<T> | false)[];
  /** The page of an item: all of its row leads there, and its first column says so. */
  to?: (item: T) => string;
}

/** Of a cell's style, what its heading has as well. */
const heading = (style = "") => style.match(/right|hide-narrow/g)?.join(" ");

export function Table<T>({ items, keyOf, columns, to }: TableProps<T>) {
  const drawn = columns.filter((it): it is Column<T> => it !== false);
  const open = (e: MouseEvent, item: T) =>
    to && !(e.target as Element).closest("a, button, details") && void go(to(item));
  const box = useKeptFocus(items);
  return (
    <div class="table-wrap" ref={box}>
      <table>
        <thead>
          <tr>
            {drawn.map(([title, , style]) => (
              <th key={title} class={heading(style)}>
                {title || <span class="sr">Actions</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={keyOf(item)} class={to && "go"} onClick={to && ((e) => open(e, item))}>
              {drawn.map(([title, cell, style], at) => (
                <td key={title} class={title ? style : "actions"}>
                  {to && at === 0 ? (
                    <a class="first" href={hrefOf(to(item))}>
                      {cell(item)}
                    </a>
                  ) : (
                    cell(item)
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Who works by keyboard stays in a table, though the row they were at is gone. */
function useKeptFocus(items: unknown) {
  const box = useRef<HTMLDivElement>(null);
  const last = useRef<Element>(undefined);
  useEffect(() => {
    const at = (e: FocusEvent) => (last.current = e.target as Element);
    box.current?.addEventListener("focusin", at);
    return () => box.current?.removeEventListener("focusin", at);
  }, []);
  useEffect(() => {
    if (!last.current || last.current.isConnected) return;
    last.current = undefined;
    if (document.activeElement === document.body)
      box.current?.querySelector<HTMLElement>("tbody a, tbody button")?.focus();
  }, [items]);
  return box;
}

interface ListProps<T> extends Omit<TableProps<T>, "items" | "keyOf"> {
  /** What it is a list of, for who listens. */
  label: string;
  list: List<T>;
  /** In place of a table without rows. */
  empty: ComponentChildren;
  /** Between the frame and the table, such as a search. */
  head?: ComponentChildren;
}

export function ListPanel<T>({ label, list, empty, head, ...table }: ListProps<T>) {
  const { items, data, error, loading, more, looking } = list;
  const [busy, setBusy] = useState(false);
  const load = async () => {
    setBusy(true);
    const refused = await more?.();
    setBusy(false);
    if (refused) failed(refused);
  };
  return (
    <>
      {error && <Trouble error={error} retry={list.reload} />}
      <section class="panel flush" aria-label={label} aria-busy={loading}>
        {head}
        {items.length > 0 ? (
          <Table items={items} keyOf={list.keyOf} {...table} />
        ) : data && !looking ? (
          empty
        ) : (
          (loading || looking) && (
            <div class="waits">
              <Loading />
            </div>
          )
        )}
        {looking && <Back {...looking} found={items.length} />}
        {more && (
          <footer class="more">
            <span class="muted small num">{plural(items.length, "is", "are")} shown</span>
            <Button busy={busy} onClick={() => void load()}>
              Show more
            </Button>
          </footer>
        )}
      </section>
    </>
  );
}

/** A search that takes long: how far it came, and that it may be enough. */
function Back({ to, on, turn, found }: Looking & { found: number }) {
  const date = to === undefined ? undefined : new Date(toMs(to));
  const said = date?.toLocaleDateString(undefined, { dateStyle: "long" });
  return (
    <footer class="more">
      <span class="muted small num" role="status">
        {on ? "Looking back" : "Looked back"}
        {said && ` to ${said}`}, {found} found
      </span>
      {on && <span class="spinner" />}
      <Button small={on} onClick={() => turn(!on)}>
        {on ? "Stop" : "Go on looking"}
      </Button>
    </footer>
  );
}

interface FindProps {
  label: string;
  hint: string;
  text: string;
  onText: (text: string) => void;
}

/** What is looked for in a list. */
export function Find({ label, hint, text, onText }: FindProps) {
  return (
    <div class="find">
      <Icon name="search" size={14} />
      <input
        class="input"
        type="search"
        aria-label={label}
        placeholder={hint}
        value={text}
        onInput={(e) => onText(e.currentTarget.value)}
      />
    </div>
  );
}
