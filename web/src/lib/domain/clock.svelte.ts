// The time that ages are counted from: one tick a second for the whole console.

class Ticker {
  now = $state(Date.now());

  constructor() {
    setInterval(() => (this.now = Date.now()), 1000);
  }
}

export const ticker = new Ticker();
