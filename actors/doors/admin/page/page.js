// The live page: asks the admin door once a second while it is looked at, and draws what it is told.
"use strict";

const STAGES = ["commit", "watch", "rebuild", "push", "ack"];
const byId = (id) => document.getElementById(id);
let before = null;

function cell(text, kind) {
  const td = document.createElement("td");
  td.textContent = text;
  if (kind) td.className = kind;
  return td;
}

function fill(id, rows, columns) {
  const body = byId(id);
  if (rows.length === 0) {
    const td = cell("none", "empty");
    td.colSpan = columns;
    const tr = document.createElement("tr");
    tr.append(td);
    body.replaceChildren(tr);
    return;
  }
  body.replaceChildren(...rows.map((cells) => {
    const tr = document.createElement("tr");
    tr.append(...cells);
    return tr;
  }));
}

const ms = (us) => (us < 1000 ? `${us} µs` : `${(us / 1000).toFixed(1)} ms`);
const number = (value) => cell(value.toLocaleString(), "number");

function stage(change, name, longest) {
  const us = change.stages_us[name];
  if (us === undefined) return cell("", "number");
  const td = cell("", "");
  const bar = document.createElement("span");
  bar.className = "bar";
  bar.style.width = `${Math.max(1, (60 * us) / longest)}px`;
  td.append(bar, ms(us));
  return td;
}

function drawChanges(changes) {
  const shown = changes.slice(0, 15);
  const longest = Math.max(1, ...shown.flatMap((change) => Object.values(change.stages_us)));
  fill("changes", shown.map((change) => [
    number(change.index),
    ...STAGES.map((name) => stage(change, name, longest)),
    change.rejected ? cell("refused by a proxy", "bad")
      : change.converged ? cell(change.gone ? "done; a proxy left" : "converged", "good")
      : cell(`on its way: ${change.holders} hold it`, "warn"),
  ]), 7);
}

function countSynced(proxy, type) {
  const of = proxy.streams.map((stream) => stream.types[type]).filter(Boolean);
  const resources = of.flatMap((status) => status.resources);
  const synced = resources.filter((resource) => resource.state === "SYNCED").length;
  return cell(`${synced}/${resources.length}`, synced === resources.length ? "number" : "number warn");
}

function drawProxies(proxies) {
  fill("proxies", proxies.slice(0, 200).map((proxy) => {
    const refused = proxy.streams.flatMap((stream) => Object.values(stream.types)).map((of) => of.last_rejection).filter(Boolean);
    const trouble = [
      ...(proxy.missing ?? []).map((topic) => `waits for ${topic}`),
      ...(proxy.refusals ?? []).map((refusal) => `${refusal.type} ${refusal.name}: ${refusal.reason}`),
      ...refused.map((rejection) => `refused ${rejection.resources.join(", ")}: ${rejection.message}`),
    ];
    const state = proxy.streams.length === 0 ? cell("away", "warn") : proxy.synced ? cell("synced", "good") : cell("behind", "warn");
    return [
      cell(`${proxy.node}/${proxy.id}`), number(proxy.snapshot), state, number(proxy.streams.length),
      countSynced(proxy, "cluster"), countSynced(proxy, "endpoint"), countSynced(proxy, "listener"), countSynced(proxy, "secret"),
      cell(trouble.join("; "), trouble.length ? "bad" : ""),
    ];
  }), 9);
}

function drawKinds(kinds, seconds) {
  fill("kinds", Object.entries(kinds).map(([kind, sum]) => {
    const old = before?.kinds[kind];
    const rate = old ? Math.round((sum.handled - old.handled) / seconds) : 0;
    return [cell(kind), number(sum.actors), number(sum.mailbox), number(sum.handled), number(rate),
      cell(ms(Math.round(sum.busy_ns / 1000)), "number"), number(sum.restarts)];
  }), 7);
}

function drawActors(cards) {
  cards.sort((a, b) => b.mailbox - a.mailbox || (b.in_hand_ms ?? -1) - (a.in_hand_ms ?? -1));
  fill("actors", cards.slice(0, 200).map((card) => [
    cell(card.kind), cell(card.key), number(card.mailbox), number(card.handled),
    cell(card.in_hand_ms === null ? card.last_message : `${card.last_message} for ${card.in_hand_ms} ms now`, card.in_hand_ms > 100 ? "bad" : ""),
    cell(`${(card.last_message_ms_ago / 1000).toFixed(1)} s`, "number"), number(card.version), number(card.restarts),
  ]), 8);
}

async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function look() {
  if (document.hidden) return;
  try {
    const key = encodeURIComponent(byId("key").value);
    const [changes, proxies, kinds, cards] = await Promise.all([
      ask("/admin/changes"), ask("/admin/proxies"), ask("/admin/actors/kinds"), ask(`/admin/actors?key=${key}`),
    ]);
    const now = performance.now();
    drawChanges(changes);
    drawProxies(proxies);
    drawKinds(kinds, before ? (now - before.at) / 1000 : 1);
    drawActors(cards);
    before = { kinds, at: now };
    const alive = Object.values(kinds).reduce((sum, kind) => sum + kind.actors, 0);
    byId("state").textContent = `${proxies.length} proxies, ${alive} actors`;
    byId("state").className = "";
  } catch (error) {
    byId("state").textContent = `no answer from the agent (${error.message})`;
    byId("state").className = "bad";
  }
}

look();
setInterval(look, 1000);
document.addEventListener("visibilitychange", look);
byId("key").addEventListener("input", look);
