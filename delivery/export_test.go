package delivery

// IdleAfter is after how long a transfer is over.
const IdleAfter = idleAfter
