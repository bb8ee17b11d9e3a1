import { render } from 'preact';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/surfaces.css';
import './styles/shell.css';
import './styles/documents.css';
import './styles/roads.css';
import { beginLeaveWarning } from './data/drafts.js';
import { App } from './shell/app.js';
import { beginTheme } from './shell/theme.js';

beginTheme();
beginLeaveWarning();
const page = document.getElementById('page');
if (page !== null) render(<App />, page);
