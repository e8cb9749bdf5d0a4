declare module 'parse-prometheus-text-format' {
  type Family = {
    readonly name: string
    readonly type: string
    readonly help: string
    readonly metrics: readonly object[]
  }
  export default function parse(text: string): readonly Family[]
}
