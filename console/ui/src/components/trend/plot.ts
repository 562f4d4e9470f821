// The two charts of the trend as uPlot's options. Colours are the page's own properties, read when a chart is made.
import type uPlot from 'uplot'

import type { Mark } from '../../api/types'
import { clock, day, latency } from '../../logic/format'

export interface Curve {
  label: string
  colour: string
  width: number
  dash?: number[]
  fill?: boolean
}

export interface Plan {
  curves: Curve[]
  height: number
  range: uPlot.Range.MinMax | null
  logarithmic: boolean
  tick: (value: number) => string
  marks: Mark[]
  showsDays: boolean
  moved: (index: number | null) => void
}

const MARK_GLYPH: Record<Mark['kind'], string> = { process_start: '▲', leader_change: '◆', maintenance: '■' }
export const markGlyph = (kind: Mark['kind']): string => MARK_GLYPH[kind]

const property = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

export function optionsOf(plan: Plan, width: number): uPlot.Options {
  const muted = property('--muted')
  const font = '11px system-ui, sans-serif'
  const axis = { stroke: muted, font, grid: { stroke: property('--grid'), width: 1 }, ticks: { show: false } }
  return {
    width,
    height: plan.height,
    legend: { show: false },
    padding: [14, 18, 0, 0],
    cursor: { sync: { key: 'trend' }, drag: { x: true, y: false }, points: { size: 6 } },
    scales: {
      x: { time: true },
      y: plan.range ? { range: plan.range } : plan.logarithmic ? { distr: 3, log: 10 } : {},
    },
    axes: [
      { ...axis, size: plan.showsDays ? 26 : 8, values: (_, moments) => moments.map((at) => (plan.showsDays ? tickOf(at) : '')) },
      { ...axis, size: 62, space: 34, values: (_, values) => values.map((value) => (value === null ? '' : plan.tick(value))) },
    ],
    series: [
      {},
      ...plan.curves.map((curve) => ({
        label: curve.label,
        stroke: property(curve.colour),
        width: curve.width,
        ...(curve.dash ? { dash: curve.dash } : {}),
        ...(curve.fill ? { fill: `${property(curve.colour)}14`, fillTo: plan.range?.[0] ?? 0 } : {}),
        points: { size: 5 },
      })),
    ],
    hooks: {
      drawAxes: [(chart) => drawMarks(chart, plan.marks, muted, font)],
      setCursor: [(chart) => plan.moved(chart.cursor.idx ?? null)],
    },
  }
}

function tickOf(seconds: number): string {
  const at = seconds * 1000
  const time = clock(at).slice(0, 5)
  return time === '00:00' ? day(at).slice(5) : time
}

/** A line through the chart and its glyph at the top; what each means is listed beneath the charts. */
function drawMarks(chart: uPlot, marks: Mark[], colour: string, font: string): void {
  const { ctx, bbox } = chart
  const scale = devicePixelRatio
  ctx.save()
  ctx.strokeStyle = colour
  ctx.fillStyle = colour
  ctx.font = font.replace('11px', `${9 * scale}px`)
  ctx.textAlign = 'center'
  ctx.lineWidth = scale
  ctx.setLineDash([2 * scale, 3 * scale])
  for (const mark of marks) {
    const x = Math.round(chart.valToPos(Date.parse(mark.at) / 1000, 'x', true))
    if (x < bbox.left || x > bbox.left + bbox.width) continue
    ctx.globalAlpha = 0.55
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
    ctx.globalAlpha = 1
    ctx.fillText(markGlyph(mark.kind), x, bbox.top - 3 * scale)
  }
  ctx.restore()
}

export const latencyTick = (ms: number): string => latency(ms).replace('.0 ', ' ').replace('.00 ', ' ')
export const rateTick = (rate: number): string => `${Math.round(rate * 1000) / 10} %`
