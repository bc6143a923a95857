// Lists of nouns: one table for all kinds, with the columns that matter of each.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { getJson, query, segment, send } from "../lib/api";
import { bodyOf, type Document, isTable, type Json } from "../lib/document";
import type { KindInfo } from "../lib/kinds";
import { forgetNames, type Page as PageOf } from "../lib/names";
import { showNumber } from "../lib/phone";
import { go, hrefOf } from "../lib/router";
import { names, routeOfTracking, sayRoute } from "../lib/route";
import { sentence } from "../lib/sentence";
import { mayChange } from "../lib/session";
import { asRefused, useDebounced, useFetch } from "../lib/use";
import { choice, label, plural } from "../lib/words";
import { confirm, done, failed } from "../ui/overlay";
import { Badge, Button, Empty, LinkButton, Loading, Page, Trouble } from "../ui/parts";
import { Icon } from "../ui/icon";
import { InFile } from "./in_file";
import { liveColumns } from "./live_state";

const LIMIT = 100;

export function NounList({ info }: { info: KindInfo }) {
  const [text, setText] = useState("");
  const q = useDebounced(text.trim(), 200);
  const path = `/v1/${info.plural}${query({ q, limit: LIMIT })}`;
  const page = useFetch<PageOf>(path);
  const [more, setMore] = useState<Document[]>([]);
  const [next, setNext] = useState<string>();
  useEffect(() => {
    setMore([]);
    setNext(page.data?.next);
  }, [page.data]);
  const changeable = mayChange(info.kind);
  const items = [...(page.data?.items ?? []), ...more];
  const load = async () => {
    try {
      const answer = await getJson<PageOf>(
        `/v1/${info.plural}${query({ q, limit: LIMIT, after: next })}`,
      );
      setMore([...more, ...answer.items]);
      setNext(answer.next);
    } catch (error) {
      failed(error);
    }
  };
  const create = changeable && (
    <LinkButton to={`/new/${info.plural}`} icon="plus" kind="primary">
      New {info.one}
    </LinkButton>
  );
  return (
    <Page title={info.many} about={info.about} actions={create}>
      <InFile />
      {page.error && <Trouble error={page.error} retry={page.reload} />}
      <section class="panel flush" aria-label={info.many}>
        {(items.length > 0 || q !== "" || text !== "") && (
          <header>
            <div class="toolbar grow">
              <div class="find">
                <Icon name="search" size={14} />
                <input
                  class="input"
                  type="search"
                  aria-label={`Search ${info.many}`}
                  placeholder={`Search ${info.many.toLowerCase()}`}
                  value={text}
                  onInput={(e) => setText(e.currentTarget.value)}
                />
              </div>
              <span class="muted small num">
                {next ? `${items.length}+` : plural(items.length, "entry", "entries")}
              </span>
            </div>
          </header>
        )}
        {!page.data && page.loading ? (
          <div class="body" style={{ padding: "16px" }}>
            <Loading />
          </div>
        ) : items.length > 0 ? (
          <Rows info={info} items={items} changeable={changeable} onChanged={page.reload} />
        ) : (
          page.data &&
          (q === "" ? (
            <None info={info} action={create} />
          ) : (
            <Empty icon="search" title="Nothing fits">
              There is nothing with "{q}" in it.
            </Empty>
          ))
        )}
        {next && (
          <div class="body" style={{ padding: "12px", textAlign: "center" }}>
            <Button onClick={load}>Show more</Button>
          </div>
        )}
      </section>
    </Page>
  );
}

function None({ info, action }: { info: KindInfo; action: ComponentChildren }) {
  return (
    <Empty icon={info.icon} title={`No ${info.many.toLowerCase()} yet`} action={action}>
      {info.about}
    </Empty>
  );
}

interface RowsProps {
  info: KindInfo;
  items: Document[];
  changeable: boolean;
  onChanged: () => void;
}

function Rows({ info, items, changeable, onChanged }: RowsProps) {
  const live = liveColumns(info.kind);
  const remove = async (name: string) => {
    if (
      !(await confirm(
        `Delete ${name}?`,
        `Calls that begin from now on will not find ${info.one.toLowerCase()} "${name}". ` +
          "Calls that run are not touched.",
        "Delete",
      ))
    )
      return;
    try {
      await send(
        "DELETE",
        `/v1/${info.plural}/${segment(name)}`,
        undefined,
        String(items.find((it) => it._name === name)?._revision ?? ""),
      );
      forgetNames(info.plural);
      done(`${name} deleted`);
      onChanged();
    } catch (error) {
      failed(asRefused(error), `${name} was not deleted`);
    }
  };
  return (
    <div class="table-wrap">
      <table>
        <thead>
          <tr>
            <th>{info.kind === "tracking_number" ? "Number" : "Name"}</th>
            {live.map((it) => (
              <th key={it.title}>{it.title}</th>
            ))}
            {info.columns.map((key) => (
              <th key={key}>{columnTitle(key)}</th>
            ))}
            <th>
              <span class="sr">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => {
            const name = String(item._name);
            const to = `/${info.plural}/${segment(name)}`;
            return (
              <tr
                key={name}
                class="go"
                onClick={(e) => (e.target as Element).closest("a, button") || void go(to)}
              >
                <td class="cell">
                  <a
                    class={`first${info.kind === "tracking_number" ? " nowrap" : ""}`}
                    href={hrefOf(to)}
                  >
                    {info.kind === "tracking_number" ? showNumber(name) : name}
                  </a>
                </td>
                {live.map((it) => (
                  <td key={it.title}>
                    <it.Cell name={name} />
                  </td>
                ))}
                {info.columns.map((key) => (
                  <td key={key} class="cell">
                    <Cell kind={info.kind} column={key} doc={item} />
                  </td>
                ))}
                <td class="actions">
                  {changeable && (
                    <Button
                      icon="trash"
                      small
                      kind="plain"
                      label={`Delete ${name}`}
                      onClick={() => void remove(name)}
                    />
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function columnTitle(key: string): string {
  if (key === "otherwise") return "Otherwise";
  if (key === "call_out") return "May call";
  return key === "rule" ? "Rules" : label(key);
}

function Cell({ kind, column, doc }: { kind: string; column: string; doc: Document }) {
  const value = doc[column];
  if (kind === "tracking_number" && column === "route")
    return <div class="clip">{sayRoute(routeOfTracking(bodyOf(doc)))}</div>;
  if (["otherwise", "no_answer", "route", "after"].includes(column))
    return (
      <div class="clip">
        {value === undefined ? <span class="muted">Hang up</span> : sayRoute(value)}
      </div>
    );
  if (column === "when") return <div class="clip">{sentence({ when: value })}</div>;
  if (column === "rule") return <>{plural(Array.isArray(value) ? value.length : 0, "rule")}</>;
  if (column === "keys" || column === "zips")
    return (
      <div class="clip">
        {isTable(value) ? Object.keys(value).join("  ") : <span class="muted">-</span>}
      </div>
    );
  if (column === "call_out")
    return isTable(value) ? (
      <div class="clip">{names(value.prefixes).join(", ")}</div>
    ) : (
      <span class="muted">nobody outside</span>
    );
  if (column === "number" && typeof value === "string")
    return <span class="num nowrap">{showNumber(value)}</span>;
  if (column === "record")
    return (
      <Badge tone={value === false ? "" : "good"}>
        {value === false ? "Not recorded" : "Recorded"}
      </Badge>
    );
  return <div class="clip">{said(value)}</div>;
}

function said(value: Json | undefined): ComponentChildren {
  if (value === undefined || value === null || value === "") return <span class="muted">-</span>;
  if (Array.isArray(value))
    return value
      .map((it) =>
        isTable(it) ? String(it.agent ?? it.number ?? it.host ?? it.name ?? "...") : String(it),
      )
      .join(", ");
  if (isTable(value))
    return typeof value.text === "string"
      ? `"${value.text}"`
      : String(value.file ?? JSON.stringify(value));
  return typeof value === "string" && /^[a-z_]+$/.test(value) ? choice(value) : String(value);
}
