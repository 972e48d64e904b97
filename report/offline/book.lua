-- Numbers, captions, references, callouts, tables and files, alike for the page and the PDF.
local typst, nouns = FORMAT == "typst", { fig = "Figure", tbl = "Table", sec = "Section" }
local labels, first, meta = {}, {}, nil -- identifier -> reference; chapter -> its first heading
local prefix, section, counts, letters = "", { 0, 0, 0, 0, 0, 0 }, {}, false

local function fail(...) error(string.format(...), 0) end
local function short(id) return (id:gsub("^.*__(%l%l%l%-)", "%1")) end
local function data(file) return pandoc.mediabag.make_data_uri(pandoc.mediabag.fetch((file:gsub("^/", "")))) end

local function visible(el)
  local shown, format = el.classes:includes("content-visible"), el.attributes["when-format"]
  local met = not format or format == FORMAT or (typst and format == "pdf")
  local key, value = el.attributes["when-meta"] or el.attributes["unless-meta"], meta
  for part in (key or ""):gmatch("[^.]+") do value = value and value[part] end
  if key then met = met and (value == true) == (key == el.attributes["when-meta"]) end
  if shown or el.classes:includes("content-hidden") then return met == shown and el.content or {} end
end

local function callout(div)
  local kind = table.concat(div.classes, " "):match("callout%-(%l+)")
  if not kind then return end
  local title = pandoc.read(div.attributes.title or kind:gsub("^%l", string.upper)).blocks[1]
  if div.content[1].t == "Header" then title = div.content:remove(1) end
  local open = div.attributes.collapse == "true" and "" or " open"
  local marks = typst and { '#callout("%s")[', "][", "]" }
    or { '<details class="callout %s"' .. open .. "><summary>", "</summary>", "</details>" }
  local function mark(i) return pandoc.RawBlock(FORMAT, marks[i]:format(kind)) end
  return pandoc.Blocks { mark(1), pandoc.Plain(title.content), mark(2) } .. div.content .. { mark(3) }
end

local function html_tables(block) -- the PDF takes no HTML, so it is told what the tables say
  if not typst or block.format ~= "html" then return end
  local html, found = block.text:gsub("(<th [^>]*>)(.-)(</th>)", "%1<b>%2</b>%3"), pandoc.Blocks {}
  for _, side in ipairs { "left", "center", "right" } do
    html = html:gsub('(class="[^"]*gt_' .. side .. '[^"]*")', "%1 align=" .. side)
  end
  pandoc.read(html, "html").blocks:walk { Table = function(el) found:insert(el) end }
  return found
end

local function label(id, noun, digits, text)
  if labels[id] then fail("The label %s is used twice.", id) end
  labels[id] = { digits = digits, text = text or noun .. "\u{a0}" .. digits }
end

local function numbered(id, caption)
  local key = prefix .. id:match("^%l+")
  counts[key] = (counts[key] or 0) + 1
  label(id, nouns[id:match("^%l+")], prefix .. counts[key])
  return { pandoc.Plain(pandoc.Inlines { pandoc.Strong(labels[id].text .. ":"), " " } .. caption) }
end

local number, finish = { traverse = "topdown" }, {}

function number.Header(h)
  local chapter, plain = h.identifier:match("^(.*%.qmd)__") or "", h.classes:includes("unnumbered")
  h.identifier = short(h.identifier)
  first[chapter] = first[chapter] or h.identifier
  if h.level == 1 then prefix = plain and "" or "numbered" end
  if plain or prefix == "" then label(h.identifier, "", "", pandoc.utils.stringify(h)) return h end
  section[h.level] = section[h.level] + 1
  for deeper = h.level + 1, 6 do section[deeper] = 0 end
  local top = letters and string.char(64 + section[1]) or section[1]
  local digits = table.concat({ top, table.unpack(section, 2, h.level) }, ".")
  prefix = top .. "."
  label(h.identifier, h.level > 1 and "Section" or letters and "Appendix" or "Chapter", digits)
  h.content:insert(1, h.level == 1 and letters and "Appendix " .. top .. " — " or digits .. "\u{2002}")
  return h
end

function number.Figure(fig)
  if not fig.identifier:match("^fig%-") then return end
  fig.caption.long = numbered(fig.identifier, pandoc.utils.blocks_to_inlines(fig.caption.long))
  return fig, false
end

function number.Div(div)
  local part, mark = div.attributes.part, typst and "#part[%s]" or '<p class="part">%s</p>'
  if div.classes:includes("appendices") then section[1], letters = 0, true end
  if part then return pandoc.RawBlock(FORMAT, mark:format(part)) end
  local id, content = short(div.identifier), div.content
  local kind = id:match("^(%l%l%l)%-")
  if kind ~= "tbl" and kind ~= "fig" then return end
  local last = content:remove()
  if last.t ~= "Para" or not content[1] then fail("The %s lacks a caption.", id) end
  local caption, scroll = numbered(id, last.content), pandoc.Div(content, { class = "scroll" })
  if kind == "fig" then return pandoc.Figure(content, { long = caption }, { id }), false end
  if not typst then return pandoc.Figure({ scroll }, caption, { id, { "table" } }), false end
  content[1].caption, content[1].identifier = { long = caption }, id
  return content, false
end

function finish.Image(img)
  local alt = img.attributes["fig-alt"] or pandoc.utils.stringify(img.caption)
  if alt == "" then fail("The picture %s has no alternative text.", img.src) end
  if not typst then return pandoc.Image(alt, data(img.src)) end
  alt = '", alt: "' .. alt:gsub('[\\"]', "\\%0") .. '")'
  return pandoc.RawInline("typst", '#image("/' .. img.src .. alt)
end

function finish.Cite(el)
  local shown = pandoc.Inlines {}
  for i, item in ipairs(el.citations) do
    if not nouns[item.id:match("^(%l+)%-")] then return end
    local to = labels[item.id] or fail("The cross-reference @%s points at nothing.", item.id)
    local text = to[item.mode == "SuppressAuthor" and "digits" or "text"]
    shown:extend { i > 1 and ", " or "", pandoc.Link(text, "#" .. item.id) }
  end
  return shown
end

function finish.Link(el)
  if el.classes:includes("download") then
    el.attributes.download, el.target = el.target:match("[^/]+$"), data(el.target)
    return typst and {} or el
  end
  local id = el.target:gsub("[^/]+/%.%./", ""):gsub("%.qmd#", ".qmd__"):gsub("^#", "")
  id = first[id:gsub("/", "__")] or short(id)
  if labels[id] then el.target = "#" .. id end
  if el.target:match("%.qmd") and not labels[id] then fail("The link to %s points at nothing.", id) end
  return el
end

function Pandoc(doc)
  meta = doc.meta
  local blocks = doc.blocks:walk { Div = visible, Span = visible }
  blocks = blocks:walk { Div = callout, RawBlock = html_tables }
  return pandoc.Pandoc(blocks:walk(number):walk(finish), meta)
end
