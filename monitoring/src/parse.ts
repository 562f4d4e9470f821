// Reads PromQL by Prometheus' own grammar: which series an expression names, and by which labels.

import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

export interface Use {
  /** A series' name. */
  readonly series: string;
  /** Labels that are matched on it, kept of it by an aggregation around it, or that it is joined by. */
  readonly labels: ReadonlySet<string>;
}

/** Grafana's variables, each by a value that parses and matches everything. */
const ANYTHING: Readonly<Record<string, string>> = { __rate_interval: '5m', __range: '1h', __interval: '1m' };

/** Puts values for Grafana's variables. */
export function substitute(expr: string, values: Readonly<Record<string, string>> = ANYTHING): string {
  return expr.replaceAll(/\$(?:\{(\w+)(?::\w+)?\}|(\w+))/g, (_, braced?: string, bare?: string) => values[braced ?? bare ?? ''] ?? '.+');
}

function* descendants(node: SyntaxNode, name: string): Generator<SyntaxNode> {
  for (let child = node.firstChild; child; child = child.nextSibling) {
    if (child.name === name) yield child;
    yield* descendants(child, name);
  }
}

function* ancestors(node: SyntaxNode): Generator<SyntaxNode> {
  for (let parent = node.parent; parent; parent = parent.parent) yield parent;
}

/** The labels in `by (…)` of an aggregation; none for `without`, whose labels may well be absent. */
function groupedBy(aggregation: SyntaxNode, text: (node: SyntaxNode) => string): string[] {
  const modifier = aggregation.getChild('AggregateModifier');
  if (!modifier?.getChild('By')) return [];
  return [...descendants(modifier, 'LabelName')].map(text);
}

/** The labels in `on (…)` of a binary expression. */
function matchedOn(binary: SyntaxNode, text: (node: SyntaxNode) => string): string[] {
  const modifier = binary.getChild('MatchingModifierClause');
  if (!modifier?.getChild('On')) return [];
  return [...descendants(modifier, 'LabelName')].map(text);
}

function parse(source: string): SyntaxNode {
  const top = parser.parse(source).topNode;
  const [broken] = descendants(top, '⚠');
  if (broken) throw new Error(`does not parse at ${broken.from}: ${source}`);
  return top;
}

/** The selectors of an expression without variables, such as `up{job="canary"}`. Throws if it does not parse. */
export function selectors(source: string): string[] {
  return [...descendants(parse(source), 'VectorSelector')].map((node) => source.slice(node.from, node.to));
}

/** What an expression uses. Throws if it does not parse. */
export function uses(expr: string): Use[] {
  const source = substitute(expr);
  const text = (node: SyntaxNode) => source.slice(node.from, node.to);
  return [...descendants(parse(source), 'VectorSelector')].map((selector) => {
    const name = selector.getChild('Identifier');
    if (!name) throw new Error(`a selector without a name: ${text(selector)}`);
    const matched = [...descendants(selector, 'LabelName')].map(text);
    const kept = [...ancestors(selector)].flatMap((node) => {
      if (node.name === 'AggregateExpr') return groupedBy(node, text);
      return node.name === 'BinaryExpr' ? matchedOn(node, text) : [];
    });
    return { series: text(name), labels: new Set([...matched, ...kept]) };
  });
}

/** The labels in `by (…)` of the first aggregation, which are the result's in the way our rules are written. */
export function resultLabels(expr: string): string[] | undefined {
  const source = substitute(expr);
  const [aggregation] = descendants(parse(source), 'AggregateExpr');
  return aggregation && groupedBy(aggregation, (node) => source.slice(node.from, node.to));
}
