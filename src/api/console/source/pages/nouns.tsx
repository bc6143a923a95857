// Lists of nouns: one table for all kinds, with the columns that matter of each.

import type { ComponentChildren } from "preact";
import { query, segment, send } from "../lib/api";
import { bodyOf, type Document, isTable, type Json } from "../lib/document";
import type { KindInfo } from "../lib/kinds";
import { type List, useList } from "../lib/list";
import { forgetNames } from "../lib/names";
import { showNumber } from "../lib/phone";
import { names, routeOfTracking, sayRoute } from "../lib/route";
import { useParameter } from "../lib/router";
import { sentence } from "../lib/sentence";
import { mayChange } from "../lib/session";
import { useDebounced } from "../lib/use";
import { choice, label, plural } from "../lib/words";
import { type Column, Find, ListPanel } from "../ui/list";
import { confirm, done, failed } from "../ui/overlay";
import { Badge, Button, Empty, LinkButton, Page } from "../ui/parts";
import { InFile } from "./in_file";
import { liveColumns } from "./live_state";

const LIMIT = 100;

export function NounList({ info }: { info: KindInfo }) {
  const [text, setText] = useParameter("q");
  const q = useDebounced(text.trim(), 200);
  const list = useList<Document>(`/v1/${info.plural}${query({ q, limit: LIMIT })}`, nameOf);
  const changeable = mayChange(info.kind);
  const tracking = info.kind === "tracking_number";
  const create = changeable && (
    <LinkButton to={`/new/${info.plural}`} icon="plus" kind="primary">
      New {info.one}
    </LinkButton>
  );
  return (
    <Page title={info.many} about={info.about} actions={create}>
      <InFile />
      <ListPanel
        label={info.many}
        list={list}
        head={
          (list.items.length > 0 || text !== "") && (
            <Search info={info} text={text} onText={setText} found={list} />
          )
        }
        to={(it) => `/${info.plural}/${segment(nameOf(it))}`}
        columns={[
          [
            tracking ? "Number" : "Name",
            (it) => (tracking ? showNumber(nameOf(it)) : nameOf(it)),
            tracking ? "cell nowrap" : "cell",
          ],
          ...liveColumns(info.kind).map(({ title, Cell }): Column<Document> => [
            title,
            (it) => <Cell name={nameOf(it)} />,
          ]),
          ...info.columns.map((key): Column<Document> => [
            columnTitle(key),
            (it) => <Cell kind={info.kind} column={key} doc={it} />,
            "cell",
          ]),
          changeable && [
            "",
            (it) => (
              <Button
                icon="trash"
                small
                kind="plain"
                label={`Delete ${nameOf(it)}`}
                onClick={() => void remove(info, it, list.reload)}
              />
            ),
          ],
        ]}
        empty={
          q === "" ? (
            <Empty icon={info.icon} title={`No ${info.many.toLowerCase()} yet`} action={create}>
              {info.about}
            </Empty>
          ) : (
            <Empty icon="search" title="Nothing fits">
              There is nothing with "{q}" in it.
            </Empty>
          )
        }
      />
    </Page>
  );
}

const nameOf = (it: Document) => String(it._name);

interface SearchProps {
  info: KindInfo;
  text: string;
  onText: (text: string) => void;
  found: List<Document>;
}

function Search({ info, text, onText, found }: SearchProps) {
  const { items, more } = found;
  return (
    <header>
      <div class="toolbar grow">
        <Find
          label={`Search ${info.many}`}
          hint={`Search ${info.many.toLowerCase()}`}
          text={text}
          onText={onText}
        />
        <span class="muted small num">
          {more ? `${items.length}+` : plural(items.length, "entry", "entries")}
        </span>
      </div>
    </header>
  );
}

async function remove(info: KindInfo, item: Document, then: () => void) {
  const name = nameOf(item);
  const said =
    `Calls that begin from now on will not find ${info.one.toLowerCase()} "${name}". ` +
    "Calls that run are not touched.";
  if (!(await confirm(`Delete ${name}?`, said, "Delete"))) return;
  try {
    const path = `/v1/${info.plural}/${segment(name)}`;
    await send("DELETE", path, undefined, String(item._revision ?? ""));
    forgetNames(info.plural);
    done(`${name} deleted`);
    then();
  } catch (error) {
    failed(error, `${name} was not deleted`);
  }
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
