// SPDX-License-Identifier: Apache-2.0
// Whether anything in this process still runs: what a schedule must know before time passes, or
// what a thread sees would depend on how fast it is.
#pragma once

namespace backup::model_test {

/// Returns when there was a moment in which every other thread of the process slept. The caller
/// must hold no lock that another thread may be waiting for. Linux (proc_pid_status(5)).
void wait_until_others_sleep();

}  // namespace backup::model_test
