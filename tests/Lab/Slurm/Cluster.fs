namespace ChannelDistillation.Tests.Lab.Slurm

open System
open System.Diagnostics
open System.IO
open System.Net
open System.Net.Sockets
open System.Threading
open Expecto
open ChannelDistillation.Tests

/// A Slurm cluster of one node on this machine, with its own daemons and a temporary folder, removed when disposed. Its commands, and those of
/// the programs that the test starts, find it through SLURM_CONF. If Slurm cannot run, the test is skipped.
type Cluster() =
    static let shell (command: string) =
        let code, output, errors = ChildProcess.Run("bash", [ "-c"; command ])
        code, output.Trim(), errors.Trim()

    static let must command =
        match shell command with
        | 0, output, _ -> output
        | code, output, errors -> failtest $"{command}: exit code {code}\n{output}{errors}"

    static let freePort () =
        use listener = new TcpListener(IPAddress.Loopback, 0)
        listener.Start()
        (listener.LocalEndpoint :?> IPEndPoint).Port

    do
        if not (OperatingSystem.IsLinux()) then
            skiptest "Slurm runs on Linux only"

        let missing =
            [ "slurmctld"; "slurmd"; "sbatch"; "munged" ]
            |> List.filter (fun program -> let code, _, _ = shell $"PATH=$PATH:/usr/sbin command -v {program}" in code <> 0)

        if not missing.IsEmpty then
            let names = String.Join(", ", missing)
            skiptest $"no {names} here (Debian and Ubuntu: apt install slurmctld slurmd slurm-client munge)"

        if Environment.UserName <> "root" then
            skiptest "the daemons of a cluster of this test's own need root"

    let folder = new TemporaryFolder()
    let file = folder.File

    // Its own munge key, no accounting, no cgroup limits: a container has none of these.
    let configuration =
        [ "ClusterName=test"
          "SlurmctldHost=localhost(127.0.0.1)"
          "CommunicationParameters=NoCtldInAddrAny,NoInAddrAny"
          "SlurmUser=root"
          "SlurmdUser=root"
          "AuthType=auth/munge"
          // A requeued job waits until the credential of its last turn has expired: two minutes by default.
          $"""AuthInfo=socket={file "munge/socket"},cred_expire=5"""
          $"SlurmctldPort={freePort ()}"
          $"SlurmdPort={freePort ()}"
          $"""SlurmctldPidFile={file "slurmctld.pid"}"""
          $"""SlurmdPidFile={file "slurmd.pid"}"""
          $"""StateSaveLocation={file "state"}"""
          $"""SlurmdSpoolDir={file "spool"}"""
          $"""SlurmctldLogFile={file "slurmctld.log"}"""
          $"""SlurmdLogFile={file "slurmd.log"}"""
          "SlurmdParameters=config_overrides"
          "ProctrackType=proctrack/linuxproc"
          "TaskPlugin=task/none"
          "MpiDefault=none"
          "SelectType=select/cons_tres"
          "SelectTypeParameters=CR_Core"
          "SchedulerType=sched/backfill"
          "SchedulerParameters=sched_min_interval=0,requeue_delay=0"
          "JobRequeue=1"
          "KillWait=20"
          "MinJobAge=300"
          "ReturnToService=2"
          "AccountingStorageType=accounting_storage/none"
          "JobAcctGatherType=jobacct_gather/none"
          "JobCompType=jobcomp/none"
          "NodeName=localhost NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN"
          "PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP" ]

    let startNode () = must "/usr/sbin/slurmd -N localhost </dev/null >/dev/null 2>&1" |> ignore

    /// Kills the daemon of a pid file.
    let stop (signal: string) (pidFile: string) =
        if File.Exists pidFile then
            let id = (File.ReadAllText pidFile).Trim()

            must $"kill -{signal} {id} 2>/dev/null; for i in $(seq 100); do kill -0 {id} 2>/dev/null || break; sleep 0.1; done"
            |> ignore

    let isUp () = let code, output, _ = shell "sinfo --noheader --format=%T" in code = 0 && output = "idle"

    do
        for name in [ "state"; "spool"; "munge" ] do
            Directory.CreateDirectory(file name) |> ignore

        File.WriteAllLines(file "slurm.conf", configuration)
        Environment.SetEnvironmentVariable("SLURM_CONF", file "slurm.conf")
        let key = file "munge/key"
        must $"chmod 755 {folder.Path} {folder.Path}/munge; head -c 1024 /dev/urandom >{key}; chmod 400 {key}" |> ignore
        let at name = file ("munge/" + name)

        must (
            $"""/usr/sbin/munged --socket={at "socket"} --key-file={key} --pid-file={at "pid"} --log-file={at "log"} --seed-file={at "seed"} """
            + "</dev/null >/dev/null 2>&1"
        )
        |> ignore

        must "/usr/sbin/slurmctld </dev/null >/dev/null 2>&1" |> ignore
        startNode ()
        let clock = Stopwatch.StartNew()

        while not (isUp ()) && clock.Elapsed < TimeSpan.FromSeconds 30.0 do
            Thread.Sleep 200

        if not (isUp ()) then
            failtest $"""the cluster did not start:\n{must "sinfo; scontrol show node"}"""

    /// Runs a shell command that must succeed, and returns its output.
    member _.Must(command: string) = must command

    /// Pending and running jobs and elements of a kind, as `ELEMENT STATE`.
    member _.Queue(kind: string) =
        [ for line in (must "squeue --noheader --array --format='%K %T %j'").Split('\n', StringSplitOptions.RemoveEmptyEntries) do
              match line.Split ' ' with
              | [| element; state; name |] when name.EndsWith("." + kind) -> element, state
              | _ -> () ]

    /// Simulates a power cut of the node with everything that runs on it, then restores it.
    member _.CutPower() =
        let node = (File.ReadAllText(file "slurmd.pid")).Trim()
        // Job steps are not children of the daemon; the processes of a job are children of the steps.
        let own = file "slurm.conf"

        let steps =
            must $"for p in $(pgrep -f '^slurmstepd: '); do grep -qz SLURM_CONF={own} /proc/$p/environ && echo $p; done; true"

        let jobs = [ for step in steps.Split('\n', StringSplitOptions.RemoveEmptyEntries) -> step ]

        if jobs.IsEmpty then
            failwith "There is no job whose power could be cut."

        let below =
            must ("for p in " + String.Join(" ", jobs) + "; do for c in $(pgrep -P $p); do pgrep -P $c; echo $c; done; done")

        let all = String.Join(" ", node :: jobs) + " " + below.Replace('\n', ' ')
        must $"kill -9 {all} 2>/dev/null || true" |> ignore
        // The state that the scheduler sets itself when a node has not answered for minutes.
        must "scontrol update NodeName=localhost State=DOWN Reason=power" |> ignore
        startNode ()

    interface IDisposable with
        member _.Dispose() =
            shell "scancel --me; for i in $(seq 100); do [ -z \"$(squeue --noheader)\" ] && break; sleep 0.2; done" |> ignore

            for daemon in [ "slurmd.pid"; "slurmctld.pid"; "munge/pid" ] do
                stop "TERM" (file daemon)

            Environment.SetEnvironmentVariable("SLURM_CONF", null)
            (folder :> IDisposable).Dispose()
