// Which page an address is.

import type { JSX } from "preact";
import { kindOf } from "../lib/kinds";
import { match } from "../lib/router";
import { Empty, Page } from "../ui/parts";
import { Account } from "./account";
import { Audit } from "./audit";
import { CallPage } from "./call";
import { CallLog } from "./calls";
import { Dashboard } from "./dashboard";
import { Deliveries } from "./deliveries";
import { Directory } from "./directory";
import { Explain } from "./explain";
import { Keys } from "./keys";
import { Live } from "./live";
import { NounEdit } from "./noun";
import { NounList } from "./nouns";
import { Prompts } from "./prompts";
import { Recordings } from "./recordings";
import { Users } from "./users";

const PLAIN: Record<string, () => JSX.Element> = {
  "/": () => <Dashboard />,
  "/live": () => <Live />,
  "/calls": () => <CallLog />,
  "/recordings": () => <Recordings />,
  "/explain": () => <Explain />,
  "/prompts": () => <Prompts />,
  "/deliveries": () => <Deliveries />,
  "/users": () => <Users />,
  "/keys": () => <Keys />,
  "/audit": () => <Audit />,
  "/directory": () => <Directory />,
  "/account": () => <Account />,
};

export function pageOf(path: string): JSX.Element {
  const plain = PLAIN[path];
  if (plain) return plain();
  const call = match("/calls/:id", path);
  if (call) return <CallPage key={path} id={call.id} />;
  const fresh = match("/new/:plural", path);
  const freshKind = fresh && kindOf(fresh.plural);
  if (freshKind) return <NounEdit key={path} info={freshKind} />;
  const list = kindOf(path.slice(1));
  if (list) return <NounList key={path} info={list} />;
  const one = match("/:plural/:name", path);
  const kind = one && kindOf(one.plural);
  if (kind) return <NounEdit key={path} info={kind} name={one.name} />;
  return (
    <Page title="Not found">
      <div class="panel">
        <Empty icon="search" title="There is no such page">
          The address may be old, or mistyped.
        </Empty>
      </div>
    </Page>
  );
}
