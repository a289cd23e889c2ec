/// The one script of every page: values under the pointer, or at the place the arrow keys lead to. Without it the page
/// lacks nothing else. Written without `<` and `&`, so that it is the same text in HTML and XML.
enum PageScript {
    static let text = """
        "use strict";
        for (const chart of document.querySelectorAll("svg[data-reading]")) {
          const reading = JSON.parse(chart.getAttribute("data-reading"));
          const readout = chart.parentNode.querySelector(".readout");
          const box = chart.viewBox.baseVal;
          const cursor = document.createElementNS("http://www.w3.org/2000/svg", "line");
          cursor.setAttribute("class", "cursor");
          cursor.setAttribute("y1", "16");
          cursor.setAttribute("y2", String(box.height - 28));
          let place = -1;
          const show = function (index) {
            place = Math.max(0, Math.min(reading.at.length - 1, index));
            cursor.setAttribute("x1", String(reading.at[place]));
            cursor.setAttribute("x2", String(reading.at[place]));
            if (!cursor.parentNode) chart.appendChild(cursor);
            readout.textContent = reading.text[place];
          };
          const hide = function () {
            cursor.remove();
            readout.textContent = "\\u00a0";
          };
          chart.addEventListener("pointermove", function (event) {
            const frame = chart.getBoundingClientRect();
            if (!(frame.width > 0)) return;
            const x = (event.clientX - frame.left) / frame.width * box.width;
            let nearest = 0;
            reading.at.forEach(function (at, index) {
              if (Math.abs(reading.at[nearest] - x) > Math.abs(at - x)) nearest = index;
            });
            show(nearest);
          });
          chart.addEventListener("pointerleave", hide);
          chart.addEventListener("blur", hide);
          chart.addEventListener("keydown", function (event) {
            const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
            if (step === undefined) return;
            event.preventDefault();
            show(place + step);
          });
        }
        """
}
