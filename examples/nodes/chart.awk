# From a table of eclipses to a bar chart (SVG) and a sentence about it.
# The names of the two files come in as `chart` and `headline`.

BEGIN { FS = ","; longest = 0 }

FNR > 1 {
  rows++
  date[rows] = $1; seconds[rows] = $2 * 60 + $3; place[rows] = $4
  if (seconds[rows] > seconds[longest]) longest = rows
}

END {
  top = 210; step = 92
  print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1280 800\">" > chart
  print "<rect width=\"1280\" height=\"800\" fill=\"#0b1021\"/>" > chart
  print "<g font-family=\"DejaVu Sans\" font-size=\"26\" fill=\"#ffffff\">" > chart
  print "<text x=\"60\" y=\"112\" font-size=\"48\" font-weight=\"bold\">{{title}}</text>" > chart
  for (row = 1; row <= rows; row++) {
    y = top + (row - 1) * step
    width = 640 * seconds[row] / seconds[longest]
    color = row == longest ? "#ffd54a" : "#4a6fa5"
    printf "<text x=\"340\" y=\"%d\" text-anchor=\"end\">%s</text>\n", y + 34, date[row] > chart
    printf "<rect x=\"364\" y=\"%d\" width=\"%.1f\" height=\"50\" rx=\"8\" fill=\"%s\"/>\n", y, width, color > chart
    printf "<text x=\"%.1f\" y=\"%d\">%d:%02d  %s</text>\n", 382 + width, y + 34, \
      seconds[row] / 60, seconds[row] % 60, place[row] > chart
  }
  print "</g></svg>" > chart
  printf "The longest of the next %d total eclipses is on %s. It lasts %d minutes and %d seconds.\n", \
    rows, date[longest], seconds[longest] / 60, seconds[longest] % 60 > headline
}
