/** Prometheus' text exposition format, version 0.0.4: what a scraper reads from a file or a pipe. */

/** One measured value; all of these can go up and down. */
export interface Gauge {
  /** What is measured, with its unit: `walrus_disk_bytes`. */
  readonly name: string
  readonly help: string
  readonly samples: readonly Sample[]
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export function toPrometheus(gauges: readonly Gauge[]): string {
  return gauges.map((gauge) => toFamily(gauge)).join('')
}

function toFamily({ name, help, samples }: Gauge): string {
  const lines = samples.map(({ labels, value }) => `${name}{${toLabels(labels)}} ${value}\n`)
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`
}

function toLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',')
}

/** A label's value may hold anything; these three are written otherwise. */
function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
