// The what-if section: a classic script, which works from a disk. It computes what
// analysis/strategy/what_if.py's gain_of computes, and writes amounts as the report does.
(function () {
  var place = document.getElementById("what-if");
  var data = JSON.parse(document.getElementById("what-if-data").textContent);
  var form = place.querySelector("form");
  // A page has only the sliders that can change a gain.
  var names = ["margin", "reach", "uplift", "offer"].filter(slider);
  function slider(name) { return document.getElementById("what-if-" + name); }
  // What a slider shows is rounded to its step; untouched, it stands for the report's own number.
  function value(name) {
    var input = slider(name);
    if (!input) { return 1; }
    return input.dataset.touched ? Number(input.value) : Number(input.dataset.start);
  }
  function amount(number, sign) {
    var size = Math.abs(number);
    if (!size) { return sign + "0"; }
    var rounded = Number(size.toPrecision(2));
    var minus = number < 0 ? "\u2212" : "";
    if (rounded >= 1e6) { return minus + sign + (rounded / 1e6).toFixed(1) + " million"; }
    if (rounded >= 10) { return minus + sign + rounded.toLocaleString("en-GB"); }
    var text = String(rounded);
    return minus + sign + (sign && /\.\d$/.test(text) ? text + "0" : text);
  }
  function gain(action) {
    var rate = action.half === "ledger" ? value("margin") : 1;
    var reached = action.listed * (action.agreed + (1 - action.agreed) * value("reach"));
    var cost = action.offer_cost * value("offer");
    var won = Math.min(action.uplift * value("uplift"), action.movable);
    var brings = action.spend_won * rate - cost * action.orders_won;
    return reached * (won * brings - action.message_cost - cost * action.orders_anyway);
  }
  function show() {
    names.forEach(function (name) {
      var number = value(name);
      var share = name === "margin" || name === "reach";
      document.getElementById("what-if-" + name + "-is").textContent =
        share ? Math.round(number * 100) + "%" : "\u00d7" + Number(number.toFixed(2));
    });
    var totals = {};
    var cells = place.querySelectorAll("[data-gain]");
    data.actions.forEach(function (action, row) {
      var found = gain(action);
      totals[action.half] = (totals[action.half] || 0) + found;
      cells[row].textContent = amount(found, action.half === "ledger" ? data.currency : "");
    });
    [].forEach.call(place.querySelectorAll("[data-total]"), function (cell) {
      var half = cell.dataset.total;
      cell.dataset.value = totals[half];
      cell.textContent = amount(totals[half], half === "ledger" ? data.currency : "");
    });
  }
  form.hidden = false;
  form.addEventListener("input", function (event) {
    event.target.dataset.touched = "yes";
    show();
  });
  form.addEventListener("reset", function () {
    names.forEach(function (name) { delete slider(name).dataset.touched; });
    setTimeout(show, 0);
  });
  show();
})();
