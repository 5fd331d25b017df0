namespace ChannelDistillation.Lab.Sweep

open ChannelDistillation.Specs
open ChannelDistillation.Native
open ChannelDistillation.Training
open ChannelDistillation.Lab.Runs

/// How a device computes. Not part of a run's identity: like the device, it can change when a run resumes.
type ComputeSettings =
    {
        Gpu: GpuSettings
        /// Memory layout of networks on the CPU.
        Layout: LayoutRequest
        /// Whether the memory of a GPU limits the size of a cohort, below the maximum.
        FitLanes: bool
    }

module ComputeSettings =
    let standard = { Gpu = GpuSettings(); Layout = LayoutRequest.Kept; FitLanes = true }

    /// Selects the device and applies the GPU settings. Must be called before any computation.
    /// <exception cref="MissingException">The device is missing, or cannot be configured.</exception>
    /// <exception cref="UsageError">The device does not support the layout.</exception>
    let choose (device: string) (computing: ComputeSettings) =
        let refuseOnGpu (device: string) =
            if computing.Layout = LayoutRequest.Contiguous && device.StartsWith "cuda" then
                raise (UsageError $"--layout contiguous is only for the CPU; networks on {device} are channels-last.")

        refuseOnGpu device
        let chosen = Devices.Choose device
        refuseOnGpu chosen
        computing.Gpu.Apply chosen
        chosen

    /// The options that make another process compute the same way.
    /// <param name="lanes">Maximum number of runs in a cohort.</param>
    let arguments (lanes: int) (computing: ComputeSettings) =
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
