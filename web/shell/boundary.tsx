import { Component, type ComponentChildren } from 'preact';
import { Button } from '../parts/button.js';
import { ProblemBox } from '../parts/problem.js';

interface BoundaryProps {
  children: ComponentChildren;
}

/** What goes wrong in one place of the page is said there; every other place can still be gone to. */
export class Boundary extends Component<BoundaryProps, { error: unknown }> {
  override state = { error: undefined as unknown };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <div class="stack">
        <ProblemBox error={error} />
        <div class="row">
          <Button icon="reload" onPress={() => this.setState({ error: undefined })}>
            Try again
          </Button>
        </div>
      </div>
    );
  }
}
