namespace ChannelDistillation.Lab.Sweep

open ChannelDistillation.Specs
open ChannelDistillation.Native
open ChannelDistillation.Training
open ChannelDistillation.Lab.Runs

/// How a device is to compute. No part of what a run is: like the device, it may be another one when the run goes on.
type Computing =
    {
        Gpu: GpuSettings
        /// What networks compute in on the CPU.
        Layout: LayoutRequest
        /// Whether a GPU's memory decides how many runs are trained together, up to the most that there may be.
        FitLanes: bool
    }

module Computing =
    let standard = { Gpu = GpuSettings(); Layout = LayoutRequest.Kept; FitLanes = true }

    /// The device to train on, told how to compute. Before anything is computed.
    /// <exception cref="MissingException">It is not there, or cannot be told.</exception>
    /// <exception cref="UsageError">It does not compute in the layout.</exception>
    let choose (device: string) (computing: Computing) =
        let refuseOnGpu (device: string) =
            if computing.Layout = LayoutRequest.Contiguous && device.StartsWith "cuda" then
                raise (UsageError $"--layout contiguous is for the CPU; on {device} networks compute channels-last.")

        refuseOnGpu device
        let chosen = Devices.Choose device
        refuseOnGpu chosen
        computing.Gpu.Apply chosen
        chosen

    /// For the command line of another process that is to compute alike.
    /// <param name="lanes">Most runs in a cohort.</param>
    let arguments (lanes: int) (computing: Computing) =
        [ if not computing.FitLanes then
              "--lanes"
              string lanes
          match TensorLayouts.NameOf computing.Layout with
          | null -> ()
          | layout ->
              "--layout"
              layout
          if computing.Gpu.Deterministic then
              "--deterministic"
          if not computing.Gpu.Tf32 then
              "--tf32"
              "off" ]
