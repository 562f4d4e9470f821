// A stand-in for the canary while working on the page: `npm run build && npm run mock`, then http://127.0.0.1:4180/ui.
// It serves the build under the very policy that the canary sends. POST /mock/… switches what is hard to wait for.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

import { World, iso } from './world.mjs'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const options = { port: 4180, paths: 6, period: 60_000, empty: 0, token: '', role: 'operator', beat: 15_000 }
for (const argument of process.argv.slice(2)) {
  const [name, value] = argument.replace(/^--/, '').split('=')
  options[name] = typeof options[name] === 'number' ? Number(value) : value
}
const world = new World({ paths: options.paths, periodMs: options.period, empty: options.empty === 1 })
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }
const API = '/api/v1/canaries'
const streams = new Set()
let away = false
let mute = false

const ABOUT = {
  blocks: [
    { id: 'path_matrix', title: 'Path matrix', intro: 'Which phases each backend has to show before a test is done.', columns: ['Backend', 'Done when seen', 'Informational', 'Failure', 'Deadline'], rows: [['intra', 'tokens_xfer', 'fee_collected', '–', '30 s'], ['async', 'cf_initiated and (cf_settled_local or cf_settled_remote)', 'tokens_xfer, fee_collected', 'cf_refunded', '330 s'], ['2pc', 'tokens_xfer or cf_settled_local or cf_settled_remote', 'fee_collected', 'cf_refunded', '60 s']] },
    { id: 'fire_cadence', title: 'Fire cadence', intro: 'When transfers are made.', columns: ['Setting', 'Value'], rows: [['fire_every', '60 s'], ['spread', '10 s'], ['sweep_every', '5 s'], ['watch', '600 s']] },
    { id: 'validation_pipeline', title: 'Validation pipeline', intro: 'runner → platform → validators → board → judge → ledger', columns: ['Part', 'What it does'], rows: [['runner', 'Claims each slot and makes its transfer'], ['validators', 'Stamp what they see'], ['judge', 'Decides from the stamps']] },
    { id: 'failure_semantics', title: 'Failure semantics', intro: 'What each outcome means.', columns: ['Outcome', 'Meaning'], rows: [['passed', 'Done, and completed within the deadline.'], ['late', 'Done, but completed after the deadline.'], ['failed', 'The platform broke its promise; the reason says how.'], ['inconclusive', 'The canary couldn’t know.']] },
    { id: 'observability_surface', title: 'Observability surface', intro: 'Where else to look.', columns: ['Place', 'What'], rows: [['/metrics', 'Prometheus'], ['/status', 'Public page'], ['/api/openapi.json', 'This API']] },
    { id: 'source_files', title: 'Source files', intro: 'Where the code lives.', columns: ['Folder', 'What'], rows: [['domain/', 'the words and the rules'], ['runner/', 'fires the slots'], ['validators/', 'read the events']] },
  ],
}

const send = (response, status, body, headers = {}) => {
  response.writeHead(status, { 'content-type': status >= 400 ? 'application/problem+json' : 'application/json', ...headers })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}
const problem = (response, status, title, detail, headers) => send(response, status, { type: `urn:canary:problem:${title}`, title, status, detail }, headers)

async function bodyOf(request) {
  let text = ''
  for await (const chunk of request) text += chunk
  return text === '' ? {} : JSON.parse(text)
}

const signedIn = (request) => options.token === '' || (request.headers.cookie ?? '').includes('canary-session=yes')
const who = () => ({ name: options.token ? 'mira' : 'local', role: options.role, auth: options.token ? 'session' : 'none' })

function stream(request, response, url) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  response.write('retry: 2000\n\n')
  const resume = request.headers['last-event-id'] ?? url.searchParams.get('last_event_id')
  const say = (event, data, id) => response.write(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`)
  if (resume === undefined || resume === null || Number(resume) > world.change) {
    const { state, paths } = world.scoreboard()
    say('snapshot', { head: world.change, state, paths: paths.map(({ path, state: own, last }) => ({ path, state: own, last })) }, world.change)
  } else for (const event of world.events) if (event.id > Number(resume)) say('outcome', event.data, event.id)
  const one = { say, at: world.change, response }
  streams.add(one)
  request.on('close', () => streams.delete(one))
}

async function api(request, response, url) {
  const path = url.pathname.slice(API.length)
  const minutes = Number(url.searchParams.get('minutes') ?? 60)
  if (path === '/session' && request.method === 'POST') {
    const { token } = await bodyOf(request)
    if (token === 'slow') return problem(response, 429, 'Too many requests', 'too many tries', { 'retry-after': '7' })
    if (token !== options.token) return problem(response, 401, 'A bearer token is needed', 'this token is not known')
    return send(response, 200, who(), { 'set-cookie': 'canary-session=yes; HttpOnly; SameSite=Strict; Path=/' })
  }
  if (!signedIn(request)) return problem(response, 401, 'A bearer token is needed', 'sign in')
  if (path === '/session' && request.method === 'DELETE') return send(response, 204, undefined, { 'set-cookie': 'canary-session=; Path=/; Max-Age=0' })
  if (path === '/session') return send(response, 200, who())
  if (path === '/stream') return stream(request, response, url)
  if (request.method === 'POST') return act(request, response, path)
  const one = /^\/results\/(.+)$/.exec(path)
  if (one) return world.result(one[1]) ? send(response, 200, world.result(one[1])) : problem(response, 404, 'Not found', `there is no test ${one[1]}`)
  const answer = { '': () => world.scoreboard(), '/cycles': () => world.cycles(minutes), '/reactors': () => world.reactors(), '/trend': () => world.trend(30), '/about': () => ABOUT }[path]
  return answer ? send(response, 200, answer()) : problem(response, 404, 'Not found', 'the admin API has nothing here')
}

async function act(request, response, path) {
  if (options.role !== 'operator') return problem(response, 403, 'Forbidden', 'only operators may do this')
  const body = await bodyOf(request)
  const [, name, verb] = /^\/paths\/([^/]+)\/(\w+)$/.exec(path) ?? []
  if (verb === 'pause') world.held.set(name, 'paused')
  if (verb === 'resume') world.held.delete(name)
  if (verb === 'fire') {
    const scheduled = [...world.rows.values()].find((row) => row.path === name)
    const row = { ...scheduled, test_id: crypto.randomUUID(), origin: 'fire', cycle: null, at: Date.now(), registered_at: iso(Date.now()), outcome: 'pending', revision: 0, judged_at: null, total_latency_ms: null, missing_stages: [], failure_signal: null }
    world.rows.set(row.test_id, row)
    return send(response, 202, { test_id: row.test_id })
  }
  if (path === '/maintenance') world.windows = (body.paths ?? [null]).map((held) => ({ kind: 'maintenance', path: held, from: body.from, until: body.to, actor: 'mira', reason: body.reason }))
  if (path === '/maintenance/end') { const ended = world.windows.length; world.windows = []; return send(response, 200, { ended }) }
  return send(response, path === '/maintenance' ? 201 : 200, { path: name, held: world.held.get(name) ?? null })
}

async function page(response, pathname) {
  const name = pathname === '/ui' || pathname === '/ui/' ? 'index.html' : normalize(pathname.replace('/ui/', ''))
  try {
    const file = await readFile(join(dist, name))
    response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream', 'content-security-policy': CSP, 'x-content-type-options': 'nosniff' })
    response.end(file)
  } catch {
    problem(response, 404, 'Not found', pathname)
  }
}

/** /mock/away, /mock/back, /mock/mute, /mock/cut, /mock/break?path=…, /mock/mend?path=…, /mock/burst?count=… */
function control(response, url) {
  const verb = url.pathname.split('/')[2]
  const path = url.searchParams.get('path')
  if (verb === 'away' || verb === 'back') away = verb === 'away'
  if (verb === 'mute') mute = true
  if (verb === 'cut' || verb === 'away') for (const one of streams) one.response.destroy()
  if (verb === 'break') world.trouble.add(path)
  if (verb === 'mend') world.trouble.delete(path)
  const kinds = ['passed', 'passed', 'passed', 'late', 'failed', 'inconclusive', 'missed', 'skipped']
  const rows = [...world.rows.values()].filter((row) => row.outcome !== 'pending')
  for (let at = 0; at < Number(url.searchParams.get('count') ?? 0); at++) world.judge(rows.at(-1 - (at % rows.length)), Date.now(), kinds[at % kinds.length])
  send(response, 200, { verb })
}

createServer((request, response) => {
  const url = new URL(request.url, 'http://mock')
  const answer = async () => {
    if (url.pathname.startsWith('/mock/')) return control(response, url)
    if (away) return request.socket.destroy()
    if (url.pathname.startsWith('/api/')) return api(request, response, url)
    if (url.pathname.startsWith('/ui')) return page(response, url.pathname)
    response.writeHead(302, { location: '/ui#/admin/canaries' })
    return response.end()
  }
  answer().catch((error) => problem(response, 500, 'Broken', String(error)))
}).listen(options.port, '127.0.0.1', () => console.log(`http://127.0.0.1:${options.port}/ui#/admin/canaries`))

setInterval(() => {
  world.tick()
  if (mute) return
  for (const one of streams) {
    for (const event of world.events) if (event.id > one.at) one.say('outcome', event.data, event.id)
    one.at = world.change
  }
}, 250)
setInterval(() => {
  if (!mute) for (const one of streams) one.say('heartbeat', { now: iso(Date.now()) })
}, options.beat)
