// Settings of profiles that are sent to Google Cloud.
import { toggle } from './setting-rows.js';

export const profilingSettings = {
  forceGcpProfilingEnabled: toggle({
    flag: 'force-gcp-profiling-enabled',
    alias: 'force_gcp_profiling_enabled',
    env: 'SFP_FORCE_GCP_PROFILING_ENABLED',
    help: "send profiles of this process to Google Cloud, by Google's variables, whatever the gate enable_gcp_profiler_for_sfp says",
  }),
} as const;
