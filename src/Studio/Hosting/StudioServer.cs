using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MudBlazor;
using MudBlazor.Services;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using PromptToPrompt.Studio.Api;
using PromptToPrompt.Studio.Clusters;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Pages;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Hosting;

/// <summary>Builds the studio's web application from store, engine, HTTP interface and page.</summary>
public static class StudioServer
{
    /// <summary>Builds the application. Start it to listen.</summary>
    /// <param name="options">The options.</param>
    /// <param name="logging">Log provider; null for no log.</param>
    /// <exception cref="ArgumentException">The address is not a loopback address and there is no token.</exception>
    /// <exception cref="Diffusion.InvalidInputException">The store's folder cannot be used.</exception>
    public static WebApplication Create(StudioOptions options, Action<ILoggingBuilder>? logging = null)
    {
        if (options.Token is null && !IPAddress.IsLoopback(options.Address))
            throw new ArgumentException("An address that other machines can reach requires a token.", nameof(options));
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            ApplicationName = typeof(StudioServer).Assembly.GetName().Name,
            ContentRootPath = AppContext.BaseDirectory,
            EnvironmentName = "Production",
        });
        builder.Logging.ClearProviders();
        logging?.Invoke(builder.Logging);
        // The caller reports why it cannot listen.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        // Cookies of an earlier run are expected; see the keys below.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Antiforgery", LogLevel.None);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(options.Address, options.Port);
            kestrel.Limits.MaxRequestBodySize = options.MaxUploadBytes;
            kestrel.AddServerHeader = false;
        });
        AddServices(builder.Services, options);
        var app = builder.Build();
        // Created at once, so that its gauges exist from the first scrape.
        app.Services.GetRequiredService<StudioEngine>();
        // Takes up unfinished grids.
        app.Services.GetRequiredService<GridMaker>();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseMiddleware<Gatekeeper>();
        app.UseMiddleware<MissingPages>();
        app.UseAntiforgery();
        app.MapPageFiles();
        app.MapStudioApi(options.Cluster is not null);
        app.MapOpenApi();
        app.MapHealthChecks("/health", new HealthCheckOptions { ResponseWriter = StudioHealth.Write });
        app.MapPrometheusScrapingEndpoint("/metrics");
        app.MapFirstPage();
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode();
        return app;
    }

    private static void AddServices(IServiceCollection services, StudioOptions options)
    {
        var store = new StudioStore(options.DataFolder, TimeProvider.System);
        services.AddSingleton(options);
        // Created first, so that an unusable folder is reported at once. The container disposes it.
        services.AddSingleton(_ => store);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new StudioEngine(
            provider.GetRequiredService<StudioStore>(), [.. options.Models, .. ModelFetcher.Restore(store, options, provider.GetService<ILogger<ModelFetcher>>())], options.Limits, TimeProvider.System,
            provider.GetService<ILogger<StudioEngine>>()));
        services.AddSingleton(provider => new ModelFetcher(store, provider.GetRequiredService<StudioEngine>(), options, TimeProvider.System, provider.GetService<ILogger<ModelFetcher>>()));
        services.AddSingleton<GridMaker>();
        if (options.Cluster is not null)
            services.AddSingleton<ClusterRuns>();
        services.AddScoped<Workspace>();
        services.AddSingleton<DecodingGate>();
        services.AddProblemDetails(problems => problems.CustomizeProblemDetails = context =>
        {
            if (context.ProblemDetails.Status == StatusCodes.Status415UnsupportedMediaType)
                context.ProblemDetails.Title = "Send a picture as the request body with its Content-Type (image/png, image/jpeg, …), everything else as application/json.";
        });
        services.AddExceptionHandler<ProblemHandler>();
        services.ConfigureHttpJsonOptions(json => StudioJson.Apply(json.SerializerOptions));
        services.Configure<FormOptions>(form => form.MultipartBodyLengthLimit = options.MaxUploadBytes);
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.AddOpenApi();
        services.AddHttpContextAccessor();
        services.AddSingleton<StudioHealth>();
        services.AddHealthChecks().AddCheck<StudioHealth>("studio");
        services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService("p2p")).WithMetrics(metrics => metrics.AddMeter(EngineMeter.Name).AddAspNetCoreInstrumentation().AddPrometheusExporter());
        // Nothing signed outlives the process.
        services.AddDataProtection().UseEphemeralDataProtectionProvider();
        services.AddRazorComponents().AddInteractiveServerComponents();
        services.AddMudServices(library =>
        {
            library.SnackbarConfiguration.PositionClass = Defaults.Classes.Position.BottomCenter;
            library.SnackbarConfiguration.VisibleStateDuration = 2500;
            library.SnackbarConfiguration.ShowTransitionDuration = library.SnackbarConfiguration.HideTransitionDuration = 150;
            library.SnackbarConfiguration.ShowCloseIcon = false;
            library.SnackbarConfiguration.HideIcon = true;
        });
    }
}
