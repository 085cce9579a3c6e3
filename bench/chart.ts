/** A horizontal bar chart as SVG that reads on light and dark backgrounds. */
export function barChart(title: string, bars: { label: string; value: number; accent: boolean }[]): string {
  const [width, labelWidth, rowHeight, top] = [760, 290, 30, 48]
  const largest = Math.max(...bars.map((bar) => bar.value))
  const rows = bars.map(({ label, value, accent }, i) => {
    const y = top + i * rowHeight
    const length = (value / largest) * (width - labelWidth - 70)
    return `  <text x="${labelWidth - 10}" y="${y + 15}" text-anchor="end">${escapeXml(label)}</text>
  <rect x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="20" rx="3" fill="${accent ? '#2563eb' : '#94a3b8'}"/>
  <text x="${(labelWidth + length + 8).toFixed(1)}" y="${y + 15}">${value.toFixed(2)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top + bars.length * rowHeight + 12}" role="img" aria-label="${escapeXml(title)}">
  <style>text { font: 13px system-ui, sans-serif; fill: #64748b } .title { font-weight: 600; font-size: 14px }</style>
  <text class="title" x="12" y="26">${escapeXml(title)}</text>
${rows.join('\n')}
</svg>
`
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
