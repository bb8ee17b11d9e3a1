import mark from '../mark.svg';

export const Brand = ({ href = '#/' }: { href?: string }) => (
  <a class="brand" href={href}>
    <img src={mark} alt="" />
    Sallyport
  </a>
);
