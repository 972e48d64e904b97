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

-- What has nothing to say is a space of no width (`NOTHING` in report/page.py): it leaves no gap.
local NOTHING = "\u{200b}"

function Inlines(inlines)
  local kept, dropped = pandoc.Inlines {}, false
  for _, el in ipairs(inlines) do
    local gap = el.t == "Space" or el.t == "SoftBreak"
    if el.t == "Str" and el.text == NOTHING then
      dropped = true
    elseif not (gap and (#kept == 0 or kept[#kept].t == "Space" or kept[#kept].t == "SoftBreak")) then
      kept:insert(el)
    end
  end
  if not dropped then return end
  if #kept > 0 and (kept[#kept].t == "Space" or kept[#kept].t == "SoftBreak") then kept:remove() end
  return kept
end

function Para(para)
  if #para.content == 0 then return {} end
end

function Image(img)
  local name = img.src:match("build/figures/([^/]+)%.svg$")
  if not name or not FORMAT:match("html") then return end
  local alt = img.attributes["fig-alt"] or img.attributes.alt or pandoc.utils.stringify(img.caption)
  local svg = inline(read(project .. "/build/figures/" .. name .. ".svg"), name, alt)
  return pandoc.RawInline("html", '<span class="scroll">' .. svg .. "</span>")
end
