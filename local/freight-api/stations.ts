/** A station as `/v1/stations` tells it. */
export type Station = {
  readonly code: string;
  readonly name: string;
  readonly country: 'CG' | 'CM' | 'GA';
  readonly region: string | null;
  readonly lat: number;
  readonly lon: number;
  readonly opened: string | null;
  readonly sidings: number;
};

type Line = readonly [code: string, name: string, region: string, lat: number, lon: number, opened: number];

// Places are real, positions rounded; opening years and sidings are made up. 0: not known.
const CAMEROON: readonly Line[] = [
  ['CMDLA', 'Douala-Bessengué', 'Littoral', 4.05, 9.71, 1909],
  ['CMDLP', 'Douala-Port', 'Littoral', 4.06, 9.69, 1911],
  ['CMMBG', 'Mbanga', 'Littoral', 4.5, 9.57, 1911],
  ['CMNKO', 'Nkongsamba', 'Littoral', 4.95, 9.93, 1911],
  ['CMKBA', 'Kumba', 'Sud-Ouest', 4.64, 9.45, 1969],
  ['CMEDE', 'Edéa', 'Littoral', 3.8, 10.13, 1914],
  ['CMESK', 'Eséka', 'Centre', 3.65, 10.77, 1922],
  ['CMMKK', 'Makak', 'Centre', 3.55, 11.03, 1926],
  ['CMOTL', 'Otélé', 'Centre', 3.58, 11.25, 1927],
  ['CMMBY', 'Mbalmayo', 'Centre', 3.52, 11.5, 1927],
  ['CMYDE', 'Yaoundé', 'Centre', 3.87, 11.52, 1927],
  ['CMOBL', 'Obala', 'Centre', 4.17, 11.53, 0],
  ['CMNGE', 'Nanga-Eboko', 'Centre', 4.68, 12.37, 1969],
  ['CMBLB', 'Bélabo', 'Est', 4.93, 13.3, 1969],
  ['CMGOY', 'Goyoum', 'Est', 5.2, 13.38, 1972],
  ['CMMBT', 'Mbitom', 'Est', 5.75, 13.67, 0],
  ['CMNGL', 'Ngaoundal', 'Adamaoua', 6.47, 13.27, 1974],
  ['CMNGD', 'Ngaoundéré', 'Adamaoua', 7.32, 13.58, 1974],
];
const GABON: readonly Line[] = [
  ['GAOWE', 'Owendo', 'Estuaire', 0.29, 9.5, 1978],
  ['GANTO', 'Ntoum', 'Estuaire', 0.39, 9.76, 1978],
  ['GANDJ', 'Ndjolé', 'Moyen-Ogooué', -0.18, 10.76, 1979],
  ['GAALE', 'Alembé', 'Moyen-Ogooué', -0.1, 10.95, 0],
  ['GALOP', 'Lopé', 'Ogooué-Ivindo', -0.1, 11.6, 1982],
  ['GABOO', 'Booué', 'Ogooué-Ivindo', -0.1, 11.94, 1983],
  ['GAIVI', 'Ivindo', 'Ogooué-Ivindo', -0.14, 12.15, 0],
  ['GALAS', 'Lastourville', 'Ogooué-Lolo', -0.82, 12.73, 1985],
  ['GAMOA', 'Moanda', 'Haut-Ogooué', -1.57, 13.2, 1986],
  ['GAFRV', 'Franceville', 'Haut-Ogooué', -1.63, 13.58, 1986],
];
const CONGO: readonly Line[] = [
  ['CGPNR', 'Pointe-Noire', 'Kouilou', -4.79, 11.86, 1934],
  ['CGDOL', 'Dolisie', 'Niari', -4.2, 12.67, 1934],
  ['CGNKY', 'Nkayi', 'Bouenza', -4.17, 13.28, 1934],
  ['CGMAD', 'Madingou', 'Bouenza', -4.16, 13.55, 1934],
  ['CGBOU', 'Bouansa', 'Bouenza', -4.21, 13.75, 0],
  ['CGLOU', 'Loutété', 'Bouenza', -4.29, 13.87, 1968],
  ['CGMIN', 'Mindouli', 'Pool', -4.27, 14.36, 1911],
  ['CGKIN', 'Kinkala', 'Pool', -4.36, 14.76, 1934],
  ['CGBZV', 'Brazzaville', 'Brazzaville', -4.27, 15.28, 1934],
  ['CGMAK', 'Makabana', 'Niari', -3.48, 12.62, 1962],
  ['CGMOS', 'Mossendjo', 'Niari', -2.95, 12.7, 1962],
  ['CGMBI', 'Mbinda', 'Niari', -2.11, 12.87, 1962],
];

/** The railways have no track between them: freight stays within its country. */
export const NETWORKS: readonly (readonly Station[])[] = [
  network('CM', CAMEROON),
  network('GA', GABON),
  network('CG', CONGO),
];

export const STATIONS: readonly Station[] = NETWORKS.flat();

function network(country: Station['country'], lines: readonly Line[]): readonly Station[] {
  return lines.map(([code, name, region, lat, lon, opened], index) => ({
    code,
    name,
    country,
    region,
    lat,
    lon,
    opened: opened === 0 ? null : `${opened}-${String(1 + (index % 12)).padStart(2, '0')}-01`,
    sidings: 2 + ((index * 7) % 11),
  }));
}

/** Kilometres between two stations: the degree is nearly square at the equator, and `sqrt` alone is exact everywhere. */
export function kilometres(from: Station, to: Station): number {
  const [north, east] = [to.lat - from.lat, to.lon - from.lon];
  return Math.max(1, Math.round(Math.sqrt(north * north + east * east) * 111));
}
