import type { wall as english } from '../en/wall';

export const wall: Record<keyof typeof english, string> = {
  'nav.wall': 'Mur de courbes',
  'wall.title': 'Mur de courbes',
  'wall.lead': '{n} courbes, la dernière minute de chacune, dix fois par seconde',
  'wall.slow': 'Ce navigateur est lent : dessin toutes les {ms} ms, car il en prend {took}',
  'wall.pressure': 'Pression',
  'wall.left': 'modules non montrés : {n}',
  'wall.none': 'Les courbes paraissent quand les modules envoient des mesures.'
};
