// Who uses the console, and what they may do.

import { getJson, onSignedOut, type Refused, send, setCsrf } from "./api";
import { forgetNames } from "./names";
import { asRefused, Watched } from "./use";

export type Role = "viewer" | "agent" | "manager" | "admin";

export interface Session {
  user: string;
  role: Role;
  /** The agent of the directory that this user is. */
  agent?: string;
  csrf: string;
  /** Where the directory is changed: in the `file` of the edge it is only looked at here. */
  directory?: "file" | "database";
}

/** `undefined`: not known yet; `null`: nobody. */
export const session = new Watched<Session | null | undefined>(undefined);

const RANK: Record<Role, number> = { viewer: 0, agent: 1, manager: 2, admin: 3 };
const ADMIN_KINDS = new Set(["trunk", "account", "webhook"]);

export function may(role: Role): boolean {
  const now = session.get();
  return now ? RANK[now.role] >= RANK[role] : false;
}

/** Who may change documents of a kind: some hold the keys of the house. */
export function roleFor(kind: string): Role {
  return ADMIN_KINDS.has(kind) ? "admin" : "manager";
}

export function mayChange(kind: string): boolean {
  return !inFile() && may(roleFor(kind));
}

/** Whether the directory is in the edge's file, where nobody changes it from here. */
export function inFile(): boolean {
  return session.get()?.directory === "file";
}

function enter(it: Session) {
  setCsrf(it.csrf);
  forgetNames();
  session.set(it);
}

/** Why it cannot be said who is here: the edge, or its database, does not answer. */
export const unknown = new Watched<Refused | undefined>(undefined);
const ASK_AGAIN = 2000;

/** Asks who is here, until somebody says. */
export async function resume() {
  onSignedOut(() => session.set(null));
  try {
    enter(await getJson<Session>("/v1/session"));
    unknown.set(undefined);
  } catch (error) {
    const refused = asRefused(error);
    const silent = refused.status === 0 || refused.status >= 500;
    unknown.set(silent ? refused : undefined);
    if (silent) setTimeout(() => void resume(), ASK_AGAIN);
    else session.set(null);
  }
}

export async function signIn(user: string, password: string) {
  enter(await send<Session>("POST", "/v1/session", { user, password }));
}

export async function setUp(token: string, user: string, password: string) {
  const answer = await send<Session | undefined>("POST", "/v1/setup", { token, user, password });
  if (answer?.csrf) enter(answer);
  else await signIn(user, password);
}

export async function signOut() {
  await send("DELETE", "/v1/session").catch(() => {});
  session.set(null);
}
