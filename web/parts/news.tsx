import type { Pages } from '../data/pages.js';
import { Button } from './button.js';

interface NewsProps {
  held: Pages<unknown>['held'];
  onShow: () => void;
}

/** What came and went while one looked, on the edge of the list, where it moves nothing. */
export function News({ held: { news, gone }, onShow }: NewsProps) {
  const told = [news > 0 ? `${news} new` : '', gone.size > 0 ? `${gone.size} gone` : ''].filter(Boolean);
  return (
    <div class="news" role="status">
      {told.length > 0 && (
        <Button look="tiny primary" onPress={onShow}>
          Show {told.join(', ')}
        </Button>
      )}
    </div>
  );
}
