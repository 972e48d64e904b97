-- Put pictures into pages as part of them, so that they take the page's colours and typeface.
-- One drawing serves light and dark: each colour of the palette becomes a variable of report.css.
-- The PDF takes the file as it is.
local names, theme = {}, nil

local function read(path)
  local file = assert(io.open(path, "r"), "There is no " .. path)
  local text = file:read("a")
  file:close()
  return text
end

local project = quarto and quarto.project.directory or os.getenv("REPORT_ROOT") or "."
local style = quarto and project .. "/report/theme/report.css"
  or pandoc.path.join { pandoc.path.directory(PANDOC_SCRIPT_FILE), "report.css" }

local function variable(colour)
  if not theme then
    theme = read(style)
    for name, light in theme:gmatch("%-%-([%w-]+): light%-dark%((#%x+),") do
      names[light] = names[light] or name
    end
  end
  return names[colour] and "var(--" .. names[colour] .. ")"
end

local function escape(text)
  return (text:gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end

local function inline(svg, name, alt)
  local view = svg:match('viewBox="[^"]*"')
  svg = svg:gsub("#%x%x%x%x%x%x", variable)
  svg = svg:gsub(' id="', ' id="' .. name .. "-")
  svg = svg:gsub("url%(#", "url(#" .. name .. "-"):gsub('href="#', 'href="#' .. name .. "-")
  svg = svg:gsub('^<svg [^>]*style="([^"]*)">', function(style)
    return '<svg class="picture" role="img" aria-label="' .. escape(alt) .. '" ' .. view .. ' style="' .. style .. '">'
  end)
  return svg
end

function Image(img)
  local name = img.src:match("build/figures/([^/]+)%.svg$")
  if not name or not FORMAT:match("html") then return end
  local alt = img.attributes["fig-alt"] or img.attributes.alt or pandoc.utils.stringify(img.caption)
  local svg = inline(read(project .. "/build/figures/" .. name .. ".svg"), name, alt)
  return pandoc.RawInline("html", '<span class="scroll">' .. svg .. "</span>")
end
