// Commands and options as shells complete them. Everything is in the script: nothing is started when somebody presses TAB. A place is
// the words of a command, each with a space before it: ' secrets put'; the empty one is that before any command.
import type { Command, Option } from 'commander';

interface Place {
  place: string;
  words: { word: string; about: string }[];
  options: Option[];
  /** What its first argument may be, where that is not anything. */
  choices: string[];
}

export function bashCompletion(program: Command): string {
  const places = placesOf(program);
  const cases = places.map(({ place, words, options, choices }) => {
    const flags = [...options.flatMap(({ long }) => long ?? []), '--help'];
    return `    ${quoted(place)}) words=${quoted([...words.map(({ word }) => word), ...choices].join(' '))} flags=${quoted(flags.join(' '))} ;;`;
  });
  return `# Completion of sallyport for bash. Made by \`sallyport completion bash\`.
_sallyport() {
  local current=\${COMP_WORDS[COMP_CWORD]} place='' words='' flags='' at word
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    case "$word" in
      ${valuedOf(places).join('|')})
        # Its value is no command; where that is what is typed, it may be a file.
        ((at++))
        if ((at >= COMP_CWORD)); then COMPREPLY=(); return; fi
        continue ;;
    esac
    case "$place $word" in
      ${knownOf(places).map(quoted).join('|')}) place="$place $word" ;;
    esac
  done
  case "$place" in
${cases.join('\n')}
  esac
  if [[ $current == -* ]]; then words=$flags; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _sallyport sallyport
`;
}

export function zshCompletion(program: Command): string {
  const places = placesOf(program);
  const cases = places.map(({ place, words, options, choices }) => {
    const told = words.map(({ word, about }) => quoted(`${word}:${about}`));
    const flags = options.flatMap(({ long, description }) =>
      long === undefined ? [] : quoted(`${long}:${description}`),
    );
    return `    ${quoted(place)}) told=(${[...told, ...choices.map(quoted)].join(' ')}) flags=(${flags.join(' ')} '--help:help') ;;`;
  });
  return `#compdef sallyport
# Completion of sallyport for zsh. Made by \`sallyport completion zsh\`.
_sallyport() {
  local place='' word at
  local -a told flags
  for ((at = 2; at < CURRENT; at++)); do
    word=$words[at]
    case "$word" in
      ${valuedOf(places).join('|')})
        ((at++))
        if ((at >= CURRENT)); then _files; return; fi
        continue ;;
    esac
    case "$place $word" in
      ${knownOf(places).map(quoted).join('|')}) place="$place $word" ;;
    esac
  done
  case "$place" in
${cases.join('\n')}
  esac
  if [[ $words[CURRENT] == -* ]]; then
    _describe -o option flags
  elif ((\${#told})); then
    _describe command told
  else
    _files
  fi
}
if [ "$funcstack[1]" = "_sallyport" ]; then _sallyport "$@"; else compdef _sallyport sallyport; fi
`;
}

export function fishCompletion(program: Command): string {
  const places = placesOf(program);
  const lines = places.flatMap(({ place, words, options, choices }) => {
    const at = `complete -c sallyport -n ${quoted(`__sallyport_is_at "${place}"`)}`;
    return [
      ...words.map(({ word, about }) => `${at} -f -a ${word} -d ${quoted(about)}`),
      ...choices.map((choice) => `${at} -f -a ${choice}`),
      ...options.flatMap(({ long, description, required }) =>
        long === undefined
          ? []
          : `${at} -l ${long.slice(2)}${required ? ' -r' : ''} -d ${quoted(description)}`,
      ),
      `${at} -l help -d 'help'`,
    ];
  });
  return `# Completion of sallyport for fish. Made by \`sallyport completion fish\`.
function __sallyport_is_at
    set -l place ''
    set -l is_value no
    for word in (commandline -opc)[2..-1]
        if test $is_value = yes
            set is_value no
        else if contains -- $word ${valuedOf(places).join(' ')}
            set is_value yes
        else if contains -- "$place $word" ${knownOf(places).map(quoted).join(' ')}
            set place "$place $word"
        end
    end
    test "$place" = "$argv[1]"
end
${lines.join('\n')}
`;
}

/** The program and its commands, each with the options that it takes there. */
function placesOf(program: Command): Place[] {
  const shared = program.options.filter(({ long }) => long !== '--version');
  const below = (command: Command, place: string): Place[] => [
    {
      place,
      words: command.commands.map((one) => ({ word: one.name(), about: one.summary() || one.description() })),
      options: command === program ? [...program.options] : [...command.options, ...shared],
      choices: [...(command.registeredArguments[0]?.argChoices ?? [])],
    },
    ...command.commands.flatMap((one) => below(one, `${place} ${one.name()}`)),
  ];
  return below(program, '');
}

const knownOf = (places: Place[]): string[] =>
  places.map(({ place }) => place).filter((place) => place !== '');

/** Options that a value follows. */
const valuedOf = (places: Place[]): string[] => {
  const valued = places.flatMap(({ options }) => options.filter(({ required }) => required));
  return [...new Set(valued.flatMap(({ long }) => long ?? []))].toSorted();
};

/** For any of the shells. */
const quoted = (text: string): string => `'${text.replaceAll("'", '’')}'`;
