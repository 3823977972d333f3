// Starts the page for people at the admin port.
import { Page } from './page.js';

new Page().start();
