// A box in which the mouse, a finger, a pen or the arrow keys leave one line. The points go to the
// server as they are when the line ends, x and y from 0 to 1.
const canvas = element.querySelector('canvas');
const pen = canvas.getContext('2d');
const STEPS = 39, SIDEWAYS = 0.05;  // of an arrow key: from position to position, and to the side
let points = null;  // of the line that is being drawn
let next = {x: 0.5, y: 0};  // where the arrow keys go on

const erase = () => {
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.strokeStyle = pen.fillStyle = getComputedStyle(canvas).color;
  pen.lineWidth = 2;
};
const begin = (x, y) => {
  erase();
  points = [[x, y]];
};
const draw = (x, y) => {
  const [u, v] = points[points.length - 1];
  points.push([x, y]);
  pen.beginPath();
  pen.moveTo(u * canvas.width, v * canvas.height);
  pen.lineTo(x * canvas.width, y * canvas.height);
  pen.stroke();
};
const finish = () => {
  if (points !== null) trigger('submit', {points});
  points = null;
  next = {x: 0.5, y: 0};
};
const place = (event) => {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
};

canvas.addEventListener('pointerdown', (event) => {
  begin(...place(event));
  canvas.setPointerCapture(event.pointerId);
  canvas.focus({focusVisible: false});
  event.preventDefault();
});
canvas.addEventListener('pointermove', (event) => {
  if (points !== null && event.buttons) draw(...place(event));
});
canvas.addEventListener('pointerup', finish);

canvas.addEventListener('keydown', (event) => {
  const sideways = {ArrowLeft: -SIDEWAYS, ArrowRight: SIDEWAYS}[event.key];
  if (sideways !== undefined) {
    next.x = Math.min(Math.max(next.x + sideways, 0), 1);
  } else if (event.key === 'ArrowDown') {
    if (points === null) begin(next.x, next.y);
    next.y = Math.min(next.y + 1 / STEPS, 1);
    draw(next.x, next.y);
  } else if (event.key === 'Enter') {
    finish();
  } else if (event.key === 'Delete' || event.key === 'Backspace') {
    erase();
    points = null;
    next = {x: 0.5, y: 0};
  } else {
    return;
  }
  if (points === null && sideways !== undefined) {  // show where the line will begin
    erase();
    pen.fillRect(next.x * canvas.width - 3, 0, 6, 6);
  }
  event.preventDefault();
});
